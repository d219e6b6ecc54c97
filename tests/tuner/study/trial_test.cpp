#include "tuner/study/trial.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "engine/base/error.hpp"

namespace titrate {
namespace {

TrialRecord trial(int number, TrialState state, double loss, std::int64_t size = 0, double latency = 0) {
  TrialRecord record;
  record.number = number;
  record.state = state;
  record.metric = 1 - loss;
  record.loss = loss;
  if (size > 0) record.size_bytes = size;
  if (latency > 0) record.latency_ms = latency;
  return record;
}

TEST(TrialState, NamesReadBack) {
  const std::vector<std::string> names{"running", "passed", "failed_goal", "error", "pruned", "interrupted"};
  for (const std::string& name : names) EXPECT_EQ(name_of(trial_state_named(name).value()), name);
  EXPECT_FALSE(trial_state_named("Passed"));
  EXPECT_EQ(loss_kind_named("absolute"), LossKind::absolute);
  EXPECT_EQ(objective_named("latency"), Objective::latency);
  EXPECT_FALSE(objective_named(""));
}

TEST(TrialState, RunningAndInterruptedAreRepeated) {
  EXPECT_FALSE(is_finished(TrialState::running));
  EXPECT_FALSE(is_finished(TrialState::interrupted));
  for (const TrialState state : {TrialState::passed, TrialState::failed_goal, TrialState::error, TrialState::pruned})
    EXPECT_TRUE(is_finished(state));
}

TEST(LossOf, IsPositiveWhenWorse) {
  EXPECT_DOUBLE_EQ(loss_of(0.45, 0.5, {.loss = LossKind::relative}), 0.1);
  EXPECT_DOUBLE_EQ(loss_of(0.45, 0.5, {.loss = LossKind::absolute}), 0.05);
  EXPECT_DOUBLE_EQ(loss_of(2.5, 2.0, {.loss = LossKind::relative, .higher_is_better = false}), 0.25);
  EXPECT_DOUBLE_EQ(loss_of(1.5, 2.0, {.loss = LossKind::absolute, .higher_is_better = false}), -0.5);
}

TEST(LossOf, DividesByTheMagnitudeOfANegativeBaseline) {
  EXPECT_DOUBLE_EQ(loss_of(-12, -10, {.loss = LossKind::relative}), 0.2);
  EXPECT_DOUBLE_EQ(loss_of(-8, -10, {.loss = LossKind::relative}), -0.2);
}

TEST(LossOf, RelativeToZeroIsAUsageErrorThatNamesTheWayOut) {
  EXPECT_DOUBLE_EQ(loss_of(-1, 0, {.loss = LossKind::absolute}), 1);
  try {
    static_cast<void>(loss_of(-1, 0, {.loss = LossKind::relative}));
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::usage);
    EXPECT_NE(error.hint().find("--loss absolute"), std::string::npos);
  }
}

TEST(BestTrial, FirstIsTheLowestNumberThatPasses) {
  const std::vector<TrialRecord> trials{trial(1, TrialState::failed_goal, 0.5, 10), trial(2, TrialState::passed, 0.01, 30),
                                        trial(3, TrialState::passed, 0.001, 20)};
  EXPECT_EQ(best_trial(trials, Objective::first)->number, 2);
}

TEST(BestTrial, SmallestThenLeastLossThenLowestNumber) {
  std::vector<TrialRecord> trials{trial(1, TrialState::passed, 0.01, 30), trial(2, TrialState::passed, 0.02, 20),
                                  trial(3, TrialState::passed, 0.01, 20), trial(4, TrialState::passed, 0.01, 20)};
  EXPECT_EQ(best_trial(trials, Objective::size)->number, 3);
  trials[2].size_bytes.reset();  // unknown is no reason to be chosen
  EXPECT_EQ(best_trial(trials, Objective::size)->number, 4);
}

TEST(BestTrial, Fastest) {
  const std::vector<TrialRecord> trials{trial(1, TrialState::passed, 0.01, 10), trial(2, TrialState::passed, 0.01, 20, 3.5),
                                        trial(3, TrialState::failed_goal, 0.5, 5, 1.0), trial(4, TrialState::passed, 0.01, 30, 2.5)};
  EXPECT_EQ(best_trial(trials, Objective::latency)->number, 4);
}

TrialRecord timed(int number, double latency, double noise, std::int64_t size) {
  TrialRecord record = trial(number, TrialState::passed, 0.01, size, latency);
  record.latency_noise_ms = noise;
  return record;
}

TEST(IsFaster, ADifferenceBelowTheNoiseIsNone) {
  EXPECT_TRUE(is_faster(timed(1, 10, 0.3, 1), timed(2, 10.6, 0.4, 1)));
  EXPECT_FALSE(is_faster(timed(1, 10, 0.3, 1), timed(2, 10.5, 0.4, 1)));  // the noise of both is 0.5
  EXPECT_FALSE(is_faster(timed(2, 10.6, 0.4, 1), timed(1, 10, 0.3, 1)));
  EXPECT_FALSE(is_faster(timed(1, 10, 0, 1), timed(2, 10.2, 0, 1)));  // 2 %
  EXPECT_TRUE(is_faster(timed(1, 10, 0, 1), timed(2, 10.21, 0, 1)));
  EXPECT_TRUE(is_faster(timed(1, 10, 0, 1), trial(2, TrialState::passed, 0.01)));
  EXPECT_FALSE(is_faster(trial(1, TrialState::passed, 0.01), trial(2, TrialState::passed, 0.01)));
}

TEST(BestTrial, AmongEquallyFastOnesTheSmallest) {
  const std::vector<TrialRecord> trials{timed(1, 10.0, 0.1, 50), timed(2, 10.05, 0.1, 40), timed(3, 9.9, 0.1, 60), timed(4, 12, 0.1, 10)};
  EXPECT_EQ(best_trial(trials, Objective::latency)->number, 2);
  EXPECT_EQ(best_trial(trials, Objective::size)->number, 4);
}

// 1 is as fast as 2, and smaller; then 3 comes, than which 2 is not slower, but 1 is.
TEST(BestTrial, AFasterTrialCanMakeAnOlderOneTheBest) {
  std::vector<TrialRecord> trials{timed(1, 10.9, 1, 10), timed(2, 10, 1, 20)};
  EXPECT_EQ(best_trial(trials, Objective::latency)->number, 1);
  trials.push_back(timed(3, 9.3, 1, 30));
  EXPECT_EQ(best_trial(trials, Objective::latency)->number, 2);
}

TEST(BestTrial, WithoutAPassTheLeastLoss) {
  std::vector<TrialRecord> trials{trial(1, TrialState::failed_goal, 0.5, 10), trial(2, TrialState::failed_goal, 0.2, 30),
                                  trial(3, TrialState::failed_goal, 0.2, 20), trial(4, TrialState::error, 0.0),
                                  trial(5, TrialState::interrupted, 0.0),     trial(6, TrialState::pruned, 0.1)};
  EXPECT_EQ(best_trial(trials, Objective::size)->number, 2);
  trials.erase(trials.begin(), trials.begin() + 3);
  EXPECT_EQ(best_trial(trials, Objective::size), nullptr);
  EXPECT_EQ(best_trial({}, Objective::first), nullptr);
}

}  // namespace
}  // namespace titrate
