#include "tuner/study/study.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "tests/tuner/study/example_study.hpp"

namespace titrate {
namespace {

using testing::HasSubstr;

TEST_F(StudyTest, WhatIsWrittenIsRead) {
  {
    Study study = Study::create(path_, example_beginning());
    study.set_baseline(example_baseline());
    add_trial(study, "rtn()", 0.45);
    add_trial(study, "static_int8()", 0.499);
    study.set_output("tuned.onnx");
    study.set_verdict("met");
    EXPECT_EQ(text_of(Study::read(path_)), text_of(study.record()));
  }
  const StudyRecord study = Study::read(path_);
  ASSERT_EQ(study.trials.size(), 2U);
  EXPECT_EQ(study.identity, example_identity());
  EXPECT_EQ(study.goal.objective, Objective::size);
  EXPECT_EQ(study.baseline->samples, 1000);
  EXPECT_EQ(study.baseline->latency_ms, 1.25);
  EXPECT_EQ(study.baseline->latency_noise_ms, 0.125);
  EXPECT_EQ(study.verdict, "met");
  EXPECT_EQ(study.output, "tuned.onnx");
  TrialRecord wanted = example_trial(1, "rtn()", 0.45);
  wanted.started_at = study.trials[0].started_at;
  EXPECT_EQ(text_of(study.trials[0]), text_of(wanted));
  EXPECT_THAT(wanted.started_at, testing::MatchesRegex("20..-..-..T..:..:..Z"));
}

// Studies of the first form have no noise of latencies, and nothing of how nodes ran.
TEST_F(StudyTest, TheFirstFormIsReadAndGoesOn) {
  {
    Study study = Study::create(path_, example_beginning());
    Baseline baseline = example_baseline();
    baseline.latency_noise_ms.reset();
    study.set_baseline(baseline);
    TrialRecord trial = example_trial(study.begin_trial("rtn()"), "rtn()", 0.45);
    trial.latency_noise_ms.reset();
    trial.execution.clear();
    study.finish_trial(trial);
  }
  Database::open_for_writing(path_).execute(
      "ALTER TABLE trial DROP COLUMN latency_noise_ms; ALTER TABLE baseline DROP COLUMN latency_noise_ms; DROP TABLE execution; "
      "PRAGMA user_version=1");
  const std::string before = bytes_of(path_);
  EXPECT_EQ(Study::read(path_).trials.at(0).latency_ms, 1.1);
  EXPECT_FALSE(Study::read(path_).trials.at(0).latency_noise_ms);
  EXPECT_EQ(bytes_of(path_), before);
  {
    Study study = Study::open(path_, example_identity());
    add_trial(study, "fp8()", 0.499);
  }
  const StudyRecord seen = Study::read(path_);
  EXPECT_FALSE(seen.baseline->latency_noise_ms);
  EXPECT_FALSE(seen.trials.at(0).latency_noise_ms);
  EXPECT_EQ(seen.trials.at(1).latency_noise_ms, 0.02);
  EXPECT_FALSE(integer_coverage(seen.trials.at(0).execution));
  EXPECT_EQ(integer_coverage(seen.trials.at(1).execution), 1.0) << "what is unknown does not count";
}

TEST_F(StudyTest, ItIsOneFile) {
  { add_trial(*std::make_unique<Study>(Study::create(path_, example_beginning())), "rtn()", 0.4); }
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) files += entry.path() == path_ ? 1 : 100;
  EXPECT_EQ(files, 1);
}

TEST_F(StudyTest, ARunningTrialIsOnTheDiskBeforeItsWork) {
  Study study = Study::create(path_, example_beginning());
  EXPECT_EQ(study.begin_trial("rtn()"), 1);
  const StudyRecord seen = Study::read(path_);
  ASSERT_EQ(seen.trials.size(), 1U);
  EXPECT_EQ(seen.trials[0].config, "rtn()");
  EXPECT_EQ(seen.trials[0].state, TrialState::interrupted);
  EXPECT_THAT(seen.trials[0].reason, HasSubstr(cat("still running, in process ", getpid(), " since 20")));
  EXPECT_EQ(study.record().trials[0].state, TrialState::running);
}

TEST_F(StudyTest, AnInterruptedTrialIsSeenUntilItsNumberIsUsedAgain) {
  {
    Study study = Study::create(path_, example_beginning());
    add_trial(study, "rtn()", 0.4);
    TrialRecord cut = example_trial(study.begin_trial("fp8()"), "fp8()", 0.4);
    cut.state = TrialState::interrupted;
    study.finish_trial(cut);
    study.set_verdict("interrupted");
  }
  const std::string first = text_of(Study::read(path_).trials.at(0));
  EXPECT_EQ(Study::read(path_).trials.at(1).state, TrialState::interrupted);
  Study study = Study::open(path_, example_identity());
  EXPECT_EQ(study.record().trials.size(), 1U);
  EXPECT_EQ(study.begin_trial("fp8()"), 2);
  EXPECT_EQ(study.record().verdict, "");
  study.finish_trial(example_trial(2, "fp8()", 0.499));
  EXPECT_EQ(text_of(Study::read(path_).trials.at(0)), first);
  EXPECT_EQ(Study::read(path_).trials.at(1).state, TrialState::passed);
}

TEST_F(StudyTest, GoingOnWithoutAnythingToDoChangesNothing) {
  { add_trial(*std::make_unique<Study>(Study::create(path_, example_beginning())), "rtn()", 0.4); }
  const std::string before = bytes_of(path_);
  { const Study study = Study::open(path_, example_identity()); }
  EXPECT_EQ(bytes_of(path_), before);
}

TEST_F(StudyTest, AnotherModelDataOrMetricIsRefusedByName) {
  { add_trial(*std::make_unique<Study>(Study::create(path_, example_beginning())), "rtn()", 0.4); }
  const std::string before = bytes_of(path_);
  for (std::size_t index = 0; index < example_identity().size(); ++index) {
    Facts other = example_identity();
    other[index].second = "another one";
    const Error error = error_of([&] { static_cast<void>(Study::open(path_, other)); });
    EXPECT_EQ(error.code(), ErrorCode::study_unusable);
    EXPECT_THAT(error.message(),
                HasSubstr(cat("another ", other[index].first, ": it was ", example_identity()[index].second, ", now it is another one")));
    EXPECT_EQ(error.where(), path_.string());
    EXPECT_THAT(error.hint(), HasSubstr("--fresh"));
  }
  EXPECT_EQ(bytes_of(path_), before);
}

TEST(FirstDifference, NamesWhatIsMissingOrNew) {
  EXPECT_EQ(first_difference({{"a", "1"}, {"b", "2"}}, {{"b", "2"}, {"a", "1"}}), "");
  EXPECT_EQ(first_difference({{"model", "x"}}, {{"model", "x"}, {"calibration_data", ""}}),
            "another calibration data: it was not given, now it is empty");
  EXPECT_EQ(first_difference({{"model", "x"}, {"seed", "1"}}, {{"model", "x"}}), "another seed: it was 1, now it is not given");
}

TEST_F(StudyTest, AnotherToleranceJudgesAnew) {
  Study study = Study::create(path_, example_beginning());
  study.set_baseline(example_baseline());
  add_trial(study, "rtn()", 0.45);
  add_trial(study, "fp8()", 0.499);
  TrialRecord failed = example_trial(study.begin_trial("rtn(bits=2)"), "rtn(bits=2)", 0.4);
  failed.state = TrialState::error;
  failed.metric.reset();
  failed.loss.reset();
  study.finish_trial(failed);
  study.set_goal({.tolerable_loss = 0.1, .loss = LossKind::relative});
  EXPECT_EQ(study.record().trials[0].state, TrialState::passed);
  study.set_goal({.tolerable_loss = 0.0005, .loss = LossKind::absolute});
  const StudyRecord seen = Study::read(path_);
  EXPECT_EQ(seen.trials[0].state, TrialState::failed_goal);
  EXPECT_DOUBLE_EQ(seen.trials[0].loss.value(), 0.05);
  EXPECT_EQ(seen.trials[1].state, TrialState::failed_goal);
  EXPECT_DOUBLE_EQ(seen.trials[1].loss.value(), 0.001);
  EXPECT_EQ(seen.trials[2].state, TrialState::error);
  EXPECT_EQ(seen.goal.loss, LossKind::absolute);
  EXPECT_EQ(text_of(seen), text_of(study.record()));
}

TEST_F(StudyTest, EqualityPasses) {
  Study study = Study::create(path_, example_beginning());
  study.set_baseline({"top1", 0.5, 10, 10, std::nullopt, 0});
  add_trial(study, "rtn()", 0.375);
  study.set_goal({.tolerable_loss = 0.125, .loss = LossKind::absolute});
  EXPECT_EQ(study.record().trials[0].state, TrialState::passed);
}

TEST_F(StudyTest, AGoalWithoutMeaningChangesNothing) {
  Study study = Study::create(path_, example_beginning());
  study.set_baseline({"sqnr", 0, 10, 10, std::nullopt, 0});
  add_trial(study, "rtn()", 0.45);
  const std::string before = text_of(study.record());
  EXPECT_EQ(error_of([&] { study.set_goal({.loss = LossKind::relative}); }).code(), ErrorCode::usage);
  EXPECT_EQ(error_of([&] { study.set_goal({.tolerable_loss = std::numeric_limits<double>::quiet_NaN()}); }).code(), ErrorCode::usage);
  EXPECT_EQ(text_of(study.record()), before);
  EXPECT_EQ(text_of(Study::read(path_)), before);
}

TEST_F(StudyTest, AMetricThatIsNoNumberIsAnErrorWithItsReason) {
  Study study = Study::create(path_, example_beginning());
  add_trial(study, "rtn()", std::numeric_limits<double>::quiet_NaN());
  add_trial(study, "fp8()", -std::numeric_limits<double>::infinity());
  const StudyRecord seen = Study::read(path_);
  EXPECT_EQ(seen.trials[0].state, TrialState::error);
  EXPECT_FALSE(seen.trials[0].metric);
  EXPECT_FALSE(seen.trials[0].loss);
  EXPECT_THAT(seen.trials[0].reason, HasSubstr("the metric is nan"));
  EXPECT_THAT(seen.trials[1].reason, HasSubstr("the metric is -inf"));
  const Error error = error_of([&] { study.set_baseline({"mse", std::numeric_limits<double>::infinity(), 1, 1, std::nullopt, 0}); });
  EXPECT_EQ(error.code(), ErrorCode::baseline_failed);
  EXPECT_THAT(error.message(), HasSubstr("mse of the float model is inf"));
}

TEST_F(StudyTest, ALayerWithoutAnyNoiseKeepsItsInfiniteSqnr) {
  Study study = Study::create(path_, example_beginning());
  TrialRecord trial = example_trial(study.begin_trial("rtn()"), "rtn()", 0.4);
  trial.layers[0].sqnr_db = std::numeric_limits<double>::infinity();
  trial.layers[1].sqnr_db = std::numeric_limits<double>::quiet_NaN();
  study.finish_trial(trial);
  const std::vector<LayerDecision> layers = Study::read(path_).trials.at(0).layers;
  EXPECT_EQ(layers[0].sqnr_db, std::numeric_limits<double>::infinity());
  EXPECT_FALSE(layers[1].sqnr_db);
}

TEST_F(StudyTest, OneTrialAtATime) {
  Study study = Study::create(path_, example_beginning());
  EXPECT_EQ(error_of([&] { study.finish_trial(example_trial(1, "rtn()", 0.4)); }).code(), ErrorCode::internal);
  study.begin_trial("rtn()");
  EXPECT_EQ(error_of([&] { study.begin_trial("fp8()"); }).code(), ErrorCode::internal);
  EXPECT_EQ(error_of([&] { study.finish_trial(example_trial(1, "fp8()", 0.4)); }).code(), ErrorCode::internal);
  EXPECT_EQ(study.record().trials.size(), 1U);
}

TEST_F(StudyTest, HostileTextIsKeptAsItIs) {
  Study study = Study::create(path_, example_beginning());
  TrialRecord trial = example_trial(study.begin_trial("rtn()"), "rtn()", 0.4);
  const std::string hostile("a\0b'; DROP TABLE trial; --\xff\x1b[31m", 33);
  trial.reason = hostile;
  trial.layers[0].name = hostile;
  study.finish_trial(trial);
  EXPECT_EQ(Study::read(path_).trials.at(0).reason, hostile);
  EXPECT_EQ(Study::read(path_).trials.at(0).layers.at(0).name, hostile);
}

}  // namespace
}  // namespace titrate
