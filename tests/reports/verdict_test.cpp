#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "reports/report.hpp"
#include "reports/verdict.hpp"
#include "tests/reports/example_study.hpp"

namespace titrate {
namespace {

using testing::HasSubstr;
using testing::Not;

StudyRecord with_states(TrialState state) {
  StudyRecord study = example::everyday();
  for (TrialRecord& trial : study.trials) trial.state = state;
  return study;
}

TEST(ReportVerdict, Met) {
  EXPECT_EQ(verdict_sentence(example::everyday()),
            "Met: rtn(sym=false) keeps top1 at 0.9876 (float 0.9887, loss 0.11 % of at most 1 %) in 11.0 KB instead of 26.5 KB, 2.4 times "
            "smaller; 1 of 3 layers stays float.");
}

TEST(ReportVerdict, NotMetNamesTheBestEffort) {
  StudyRecord study = with_states(TrialState::failed_goal);
  study.verdict = "not_met";
  study.trials[6].loss.reset();
  study.trials[7].state = TrialState::interrupted;
  EXPECT_EQ(
      verdict_sentence(study),
      "Not met: the best of 7 trials, static_int8(), has top1 at 0.9884 (float 0.9887, loss 0.03 % where at most 1 % is tolerable) in "
      "13.1 KB instead of 26.5 KB, 2.0 times smaller; 1 of 3 layers stays float.");
  study.trials.resize(1);
  EXPECT_THAT(verdict_sentence(study), HasSubstr("Not met: the one trial, rtn(bits=2,sym=false), has top1 at 0.4312"));
}

TEST(ReportVerdict, InterruptedAndRunning) {
  StudyRecord study = example::everyday();
  study.verdict = "interrupted";
  EXPECT_THAT(verdict_sentence(study),
              HasSubstr("Interrupted: after 7 trials the best so far, rtn(sym=false), meets the goal with top1 at 0.9876 (float"));
  study.verdict = "";
  EXPECT_THAT(verdict_sentence(study), HasSubstr("Still running: after 7 trials the best so far, rtn(sym=false), meets the goal with"));
  study.trials.resize(2);
  EXPECT_THAT(verdict_sentence(study), HasSubstr("rtn(bits=3,sym=false), misses the goal with top1 at 0.9701"));
}

TEST(ReportVerdict, NothingUsable) {
  StudyRecord study = example::everyday();
  study.trials = {study.trials[6], study.trials[6]};
  study.verdict = "not_met";
  EXPECT_EQ(verdict_sentence(study),
            "Nothing usable: none of 2 trials gave a model that works; the last reason: the metric command ended with exit code 1.");
  study.trials.resize(1);
  EXPECT_THAT(verdict_sentence(study), HasSubstr("the one trial gave no model that works"));
}

TEST(ReportVerdict, BeforeTheFirstTrial) {
  StudyRecord study = example::everyday();
  study.trials.clear();
  study.verdict = "";
  EXPECT_EQ(verdict_sentence(study), "No trials yet: only the float model is measured, top1 at 0.9887 in 26.5 KB.");
  study.verdict = "interrupted";
  EXPECT_EQ(verdict_sentence(study), "Interrupted: before the first trial ended, top1 at 0.9887 in 26.5 KB.");
  EXPECT_EQ(verdict_sentence(StudyRecord{}), "No trials yet: the float model is not measured either.");
}

TEST(ReportVerdict, AbsoluteLossAndLowerIsBetter) {
  StudyRecord study = example::everyday();
  study.goal = {.tolerable_loss = 0.25, .loss = LossKind::absolute, .higher_is_better = false, .objective = Objective::first};
  study.baseline = Baseline{"perplexity", 5.5, 100, 1'000'000, std::nullopt, 1};
  study.trials = {example::measured(1, "rtn()", 5.625, 250'000, 1, *study.baseline, study.goal)};
  EXPECT_THAT(
      verdict_sentence(study),
      HasSubstr("rtn() keeps perplexity at 5.625 (float 5.500, loss 0.125 of at most 0.25) in 250 KB instead of 1.00 MB, 4.0 times"));
}

TEST(ReportVerdict, GainsAreNotCalledLosses) {
  StudyRecord study = example::everyday();
  study.trials = {example::measured(1, "rtn()", 0.9937, 11024, 1, *study.baseline, study.goal)};
  EXPECT_THAT(verdict_sentence(study), HasSubstr("(float 0.9887, gain 0.51 % where a loss of at most 1 % is tolerable)"));
  study.goal.tolerable_loss = -0.005;
  EXPECT_THAT(verdict_sentence(study), HasSubstr("gain 0.51 % where a gain of at least 0.5 % is asked for"));
  study.trials = {example::measured(1, "rtn()", 0.9887, 30000, 1, *study.baseline, Goal{})};
  EXPECT_THAT(verdict_sentence(study), HasSubstr("no loss"));
  EXPECT_THAT(verdict_sentence(study), HasSubstr("in 30.0 KB instead of 26.5 KB, which is no smaller;"));
}

TEST(ReportVerdict, AlmostIsNotMet) {
  StudyRecord study = example::everyday();
  study.trials = {example::measured(1, "rtn()", 0.9887 * (1 - 0.010004), 11024, 1, *study.baseline, study.goal)};
  study.verdict = "not_met";
  EXPECT_THAT(verdict_sentence(study), HasSubstr("loss 1.0004 % where at most 1 % is tolerable"));
}

TEST(ReportVerdict, WhatStaysFloat) {
  StudyRecord study = example::everyday();
  LayerDecision& first = study.trials[3].layers[0];
  first.scheme = "rtn()";
  EXPECT_THAT(verdict_sentence(study), HasSubstr("; all 3 layers are quantized."));
  for (LayerDecision& layer : study.trials[3].layers) layer.scheme = "float";
  EXPECT_THAT(verdict_sentence(study), HasSubstr("; 3 of 3 layers stay float."));
  study.trials[3].layers.clear();
  EXPECT_THAT(verdict_sentence(study), HasSubstr("times smaller."));
}

TEST(ReportVerdict, ManyOverridesAreCounted) {
  StudyRecord study = example::everyday();
  study.trials[3].config = "rtn()";
  for (int node = 0; node < 40; ++node) study.trials[3].config += " | name:node_" + std::to_string(node) + " = float";
  EXPECT_EQ(verdict_parts(study).config, "rtn() with 40 overrides");
  study.trials[3].config = std::string(1000, 'x');
  EXPECT_EQ(verdict_parts(study).config.size(), 160U);
}

TEST(ReportVerdict, HostileNamesAreShownAndWhatIsNotFiniteIsLeftOut) {
  const std::string sentence = verdict_sentence(example::hostile());
  EXPECT_THAT(sentence, HasSubstr("\\x1b[31m"));
  EXPECT_THAT(sentence, Not(HasSubstr("\x1b")));
  EXPECT_THAT(sentence, Not(HasSubstr("\n")));
  StudyRecord study = example::not_finite();
  study.trials[3].loss = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(verdict_sentence(study), HasSubstr("top1 at 0.9876 (float 0.9887) in"));
}

}  // namespace
}  // namespace titrate
