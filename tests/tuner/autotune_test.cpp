// The tuning loop through the public C++ API, with functions as metrics: what it does with values, exceptions, duplicates, budgets and
// interrupted studies.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <new>

#include "tuner/titrate.hpp"

namespace titrate {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const fs::path glyphs = fs::path(TITRATE_SOURCE_DIR) / "datasets/embedded/glyphs.onnx";

class Autotune : public testing::Test {
 protected:
  void SetUp() override { fs::create_directories(folder_); }
  void TearDown() override { fs::remove_all(folder_); }

  const fs::path folder_ = fs::path(testing::TempDir()) / testing::UnitTest::GetInstance()->current_test_info()->name();
  const Model model_ = Model::load(glyphs);
  const std::uint64_t float_bytes_ = model_.size_bytes();

  [[nodiscard]] bool is_float(const Model& model) const { return model.size_bytes() == float_bytes_; }
};

TEST_F(Autotune, StopsAtTheFirstThatPasses) {
  const auto value = [&](const Model& model) { return is_float(model) ? 1.0 : model.size_bytes() > 45000 ? 0.995 : 0.5; };
  const TuneResult result = autotune(model_, {.config_set = "rtn(bits=[4,8],group_size=-1);fp8(weights_only=true)"}, value);
  EXPECT_TRUE(result.met);
  ASSERT_EQ(result.trials.size(), 2U);
  EXPECT_EQ(result.trials[0].state, "failed_goal");
  EXPECT_EQ(result.best->config, "rtn(bits=8,group_size=-1)");
  EXPECT_EQ(result.model->size_bytes(), static_cast<std::uint64_t>(*result.best->size_bytes));
}

TEST_F(Autotune, KeepsTheLeastLossWhenNothingPasses) {
  const auto value = [&](const Model& model) { return static_cast<double>(model.size_bytes()); };
  const TuneResult result = autotune(model_, {.config_set = "rtn(bits=[4,8],group_size=-1)", .tolerable_loss = 0.0}, value);
  EXPECT_FALSE(result.met);
  EXPECT_EQ(result.best->config, "rtn(bits=8,group_size=-1)");
  EXPECT_TRUE(result.model.has_value());
}

TEST_F(Autotune, ATrialThatThrowsIsARowWithItsReason) {
  int calls = 0;
  const auto value = [&](const Model& model) {
    if (is_float(model)) return 1.0;
    if (++calls == 1) throw std::runtime_error("the oven is cold");
    if (calls == 2) throw std::bad_alloc();
    if (calls == 3) return std::numeric_limits<double>::quiet_NaN();
    if (calls == 4) return std::numeric_limits<double>::infinity();
    return 1.0;
  };
  const TuneResult result = autotune(model_, {.config_set = "rtn(bits=[4,5,6,7,8],group_size=-1)"}, value);
  ASSERT_EQ(result.trials.size(), 5U);
  EXPECT_EQ(result.trials[0].state, "error");
  EXPECT_THAT(result.trials[0].reason, HasSubstr("the oven is cold"));
  for (int index = 1; index < 4; ++index) EXPECT_EQ(result.trials[static_cast<std::size_t>(index)].state, "error") << index;
  EXPECT_THAT(result.trials[2].reason, HasSubstr("nan"));
  EXPECT_FALSE(result.trials[2].metric.has_value());
  EXPECT_TRUE(result.met);
}

TEST_F(Autotune, NothingUsableIsNoModel) {
  const auto value = [&](const Model& model) { return is_float(model) ? 1.0 : std::nan(""); };
  const TuneResult result = autotune(model_, {.config_set = "rtn(bits=8)"}, value);
  EXPECT_FALSE(result.met);
  EXPECT_FALSE(result.model.has_value());
  EXPECT_FALSE(result.best.has_value());
}

TEST_F(Autotune, NegativeBaselineAndLowerIsBetter) {
  // -10 may fall to -10.1: relative to |baseline|.
  const auto negative = [&](const Model& model) { return is_float(model) ? -10.0 : -10.05; };
  EXPECT_TRUE(autotune(model_, {.config_set = "rtn(bits=8)", .tolerable_loss = 0.01}, negative).met);
  const auto worse = [&](const Model& model) { return is_float(model) ? -10.0 : -10.2; };
  EXPECT_FALSE(autotune(model_, {.config_set = "rtn(bits=8)", .tolerable_loss = 0.01}, worse).met);
  const auto perplexity = [&](const Model& model) { return is_float(model) ? 5.0 : 5.04; };
  EXPECT_TRUE(autotune(model_, {.config_set = "rtn(bits=8)", .tolerable_loss = 0.01, .higher_is_better = false}, perplexity).met);
  // Equality passes; a negative tolerance asks for a gain.
  const auto equal = [](const Model&) { return 1.0; };
  EXPECT_TRUE(autotune(model_, {.config_set = "rtn(bits=8)", .tolerable_loss = 0}, equal).met);
  EXPECT_FALSE(autotune(model_, {.config_set = "rtn(bits=8)", .tolerable_loss = -0.01}, equal).met);
}

TEST_F(Autotune, RelativeToZeroIsRefusedByName) {
  const auto zero = [](const Model&) { return 0.0; };
  try {
    (void)autotune(model_, {.config_set = "rtn(bits=8)"}, zero);
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::usage);
    EXPECT_THAT(error.what(), HasSubstr("--loss absolute"));
  }
  EXPECT_TRUE(autotune(model_, {.config_set = "rtn(bits=8)", .relative_loss = false}, zero).met);
}

TEST_F(Autotune, AFunctionThatFailsOnTheFloatModelEndsTheRun) {
  const auto fails = [](const Model&) -> double { throw std::runtime_error("no data today"); };
  try {
    (void)autotune(model_, {.config_set = "rtn(bits=8)"}, fails);
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::baseline_failed);
    EXPECT_THAT(error.what(), HasSubstr("no data today"));
  }
}

// One group of 1024 holds every row of this model: it makes the same model as one scale a channel.
TEST_F(Autotune, TriesWhatMakesTheSameModelOnce) {
  const auto value = [&](const Model& model) { return is_float(model) ? 1.0 : 0.5; };
  const TuneResult result = autotune(model_, {.config_set = "rtn(bits=8,group_size=[-1,1024,512])"}, value);
  EXPECT_EQ(result.trials.size(), 1U);
}

TEST_F(Autotune, BudgetCountsTrialsThatRan) {
  const auto value = [&](const Model& model) { return is_float(model) ? 1.0 : 0.5; };
  EXPECT_EQ(autotune(model_, {.config_set = "weight_only", .max_trials = 2}, value).trials.size(), 2U);
}

TEST_F(Autotune, TheSmallestThatPassesWinsByObjectiveSize) {
  const auto value = [](const Model&) { return 1.0; };
  const TuneResult result = autotune(model_, {.config_set = "rtn(bits=[8,4],group_size=-1)", .objective = "size"}, value);
  EXPECT_EQ(result.trials.size(), 2U);
  EXPECT_EQ(result.best->config, "rtn(group_size=-1)");
}

TEST_F(Autotune, GoesOnWithAStudyAndRepeatsNothing) {
  int calls = 0;
  const auto value = [&](const Model& model) {
    ++calls;
    return is_float(model) ? 1.0 : 0.5;
  };
  TuneOptions options{
      .config_set = "rtn(bits=[4,6,8],group_size=-1)", .max_trials = 2, .study = folder_ / "study.db", .output = folder_ / "best.onnx"};
  EXPECT_EQ(autotune(model_, options, value).trials.size(), 2U);
  EXPECT_EQ(calls, 3);
  fs::remove(options.output);
  options.max_trials = 100;
  EXPECT_EQ(autotune(model_, options, value).trials.size(), 3U);
  EXPECT_EQ(calls, 4);  // the baseline and two trials were there
  EXPECT_TRUE(fs::exists(options.output));
}

TEST_F(Autotune, TheOutputIsTheBestTrialToTheLastByte) {
  const auto value = [](const Model&) { return 1.0; };
  const TuneOptions options{.config_set = "rtn(bits=8,group_size=-1)", .output = folder_ / "best.onnx"};
  const TuneResult result = autotune(model_, options, value);
  EXPECT_EQ(fs::file_size(options.output), static_cast<std::uintmax_t>(*result.best->size_bytes));
  EXPECT_EQ(Model::load(options.output).size_bytes(), result.model->size_bytes());
}

TEST_F(Autotune, AnOverrideOfNoNodeIsAUsageError) {
  const auto value = [](const Model&) { return 1.0; };
  EXPECT_THROW((void)autotune(model_, {.config_set = "rtn() | name:no_such_node = float"}, value), Error);
  EXPECT_THROW((void)prepare(model_, "rtn() | name:no_such_node = float"), Error);
}

TEST_F(Autotune, StagesMakeAConfigOfItsOwn) {
  const auto value = [](const Model& candidate) { return static_cast<double>(candidate.size_bytes()); };
  const Data data = Data::open("embedded", model_);
  const TuneOptions options{
      .config_set = "static_int8(); equalize() + static_int8(); gptq(bits=8,group_size=-1)", .objective = "size", .calibration = data};
  const TuneResult result = autotune(model_, options, value);
  ASSERT_EQ(result.trials.size(), 3U);
  for (const Trial& trial : result.trials) EXPECT_NE(trial.state, "error") << trial.config << ": " << trial.reason;
}

TEST_F(Autotune, StepsOfQuantization) {
  const Data data = Data::open("embedded", model_);
  Prepared prepared = prepare(model_, "static_int8()");
  EXPECT_THROW((void)convert(prepared), Error);  // not calibrated
  calibrate(prepared, data);
  const Model quantized = convert(prepared);
  EXPECT_LT(quantized.size_bytes(), float_bytes_ / 2);
  EXPECT_GT(quantized.evaluate(data, "sqnr", &model_), 15.0);
}

}  // namespace
}  // namespace titrate
