// What every strategy promises, held over every row of the table of strategies.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "engine/base/error.hpp"
#include "tests/strategies/simulated_model.hpp"

namespace titrate {

// How a row is named in what the tests print.
static void PrintTo(const StrategyRow& row, std::ostream* out) { *out << row.name; }

namespace {

using simulated::configs_of;
using simulated::Model;

constexpr const char* a_set =
    "rtn(bits=[2,3,4],sym=[true,false],group_size=[-1,32]);static_int8(calibrator=[minmax,mse]);dynamic_int8();"
    "rtn() | name:node_1 = float";

Model a_model(std::uint64_t seed, double tolerable_loss) {
  std::mt19937_64 random(seed);
  Model model;
  for (int index = 0; index < 13; ++index) {
    const double sensitivity = std::exp(std::normal_distribution<>(-5, 1.5)(random));
    model.nodes.push_back(
        {"node_" + std::to_string(index), sensitivity, sensitivity / 50, static_cast<std::int64_t>(100 + random() % 9000)});
  }
  model.tolerable_loss = tolerable_loss;
  return model;
}

// A measurement in which trials also fail to run, the metric is noisy, and layers and sizes are sometimes missing.
TrialRecord rough(const Model& model, const Config& config, int number) {
  TrialRecord trial = model.measure(config, number);
  switch (hash_of(config) % 6) {
    case 0: {
      TrialRecord error;
      error.number = number;
      error.config = trial.config;
      error.state = TrialState::error;
      error.reason = "out of memory";
      return error;
    }
    case 1:
      trial.state = trial.state == TrialState::passed ? TrialState::failed_goal : TrialState::passed;
      break;
    case 2:
      trial.layers.clear();
      break;
    case 3:
      trial.size_bytes.reset();
      break;
    case 4:
      trial.loss = std::numeric_limits<double>::quiet_NaN();
      break;
    default:
      break;
  }
  return trial;
}

class EveryStrategy : public testing::TestWithParam<StrategyRow> {
 protected:
  std::unique_ptr<Strategy> strategy = GetParam().make();

  // Calls `check(space, goal, measure)` for models of all kinds: exact and rough, easy and impossible, each objective.
  template <class Check>
  void for_each_case(const Check& check) {
    for (const Objective objective : {Objective::first, Objective::size, Objective::latency}) {
      for (const double tolerable_loss : {-1.0, 0.0, 0.003, 0.05, 10.0}) {
        const Model model = a_model(7, tolerable_loss);
        const Goal goal{.tolerable_loss = tolerable_loss, .objective = objective};
        const auto exact_trial = [&](const Config& config, int number) { return model.measure(config, number); };
        const auto rough_trial = [&](const Config& config, int number) { return rough(model, config, number); };
        check(model.space(a_set), goal, exact_trial);
        check(model.space(a_set), goal, rough_trial);
      }
    }
  }
};

TEST_P(EveryStrategy, EndsAndNeverRepeats) {
  for_each_case([&](const Space& space, const Goal& goal, const auto& measure) {
    const std::vector<TrialRecord> trials = simulated::run(*strategy, space, goal, 3, measure);
    EXPECT_LT(trials.size(), 500U);
    const std::vector<std::string> texts = configs_of(trials);
    EXPECT_EQ(std::set<std::string>(texts.begin(), texts.end()).size(), texts.size());
    for (const std::string& text : texts) EXPECT_EQ(to_text(parse_config(text)), text);
  });
}

TEST_P(EveryStrategy, TakesTheSamePathForTheSameSeed) {
  for_each_case([&](const Space& space, const Goal& goal, const auto& measure) {
    for (const std::uint64_t seed : {std::uint64_t{0}, std::uint64_t{42}, ~std::uint64_t{0}}) {
      EXPECT_EQ(configs_of(simulated::run(*strategy, space, goal, seed, measure)),
                configs_of(simulated::run(*GetParam().make(), space, goal, seed, measure)));
    }
  });
}

TEST_P(EveryStrategy, ResumedIsTheSameAsUninterrupted) {
  for_each_case([&](const Space& space, const Goal& goal, const auto& measure) {
    const std::vector<TrialRecord> whole = simulated::run(*strategy, space, goal, 5, measure);
    for (std::size_t count = 0; count < whole.size(); ++count) {
      const std::span<const TrialRecord> prefix = std::span(whole).first(count);
      const std::optional<Config> next = GetParam().make()->next(space, prefix, goal, 5);
      ASSERT_TRUE(next.has_value());
      ASSERT_EQ(to_text(*next), whole[count].config) << "after " << count << " trials";
    }
  });
}

TEST_P(EveryStrategy, TriesTheWholeSpaceIfNothingPasses) {
  const Model model = a_model(1, -1);
  const Space space = model.space(a_set);
  const std::vector<std::string> texts = configs_of(simulated::run(*strategy, model, a_set, {.tolerable_loss = -1}));
  for (const Config& config : space.configs) EXPECT_THAT(texts, testing::Contains(to_text(config)));
}

TEST_P(EveryStrategy, HasNothingForAnEmptySpace) {
  EXPECT_FALSE(strategy->next({}, {}, {}, 0).has_value());
  const Model model = a_model(1, 0.01);
  Space space = model.space("rtn()");
  space.configs.clear();
  EXPECT_FALSE(strategy->next(space, {}, {}, 0).has_value());
  const std::vector<TrialRecord> foreign = {model.measure(parse_config("rtn()"), 1)};
  EXPECT_FALSE(strategy->next(space, foreign, {}, 0).has_value());
}

TEST_P(EveryStrategy, TakesTheOnlyConfigFirst) {
  const Model model = a_model(1, 10);
  for (const std::uint64_t seed : {std::uint64_t{0}, std::uint64_t{9}}) {
    EXPECT_EQ(configs_of(simulated::run(*strategy, model, "rtn(bits=3)", {.tolerable_loss = 10}, seed)),
              std::vector<std::string>{"rtn(bits=3)"});
  }
}

TEST_P(EveryStrategy, BearsErrorsAndForeignConfigs) {
  const Model model = a_model(1, -1);
  TrialRecord error;
  error.number = 1;
  error.config = "rtn(bits=2,group_size=-1)";
  error.state = TrialState::error;
  TrialRecord newer;
  newer.number = 2;
  newer.config = "a_scheme_of_a_later_version(x=1) | name:gone = float";
  newer.state = TrialState::pruned;
  const TrialRecord foreign = model.measure(parse_config("fp8() | name:node_2 = float"), 3);
  const Space space = model.space(a_set);
  const std::vector<TrialRecord> trials =
      simulated::run(*strategy, space, {.tolerable_loss = -1}, 0,
                     [&](const Config& config, int number) { return model.measure(config, number); }, {error, newer, foreign});
  const std::vector<std::string> texts = configs_of(trials);
  EXPECT_EQ(std::set<std::string>(texts.begin(), texts.end()).size(), texts.size());
  EXPECT_GE(texts.size(), space.configs.size() + 2);
}

TEST_P(EveryStrategy, HasARowThatSaysWhatItIsFor) {
  EXPECT_FALSE(GetParam().what.empty());
  EXPECT_NE(make_strategy(GetParam().name), nullptr);
}

INSTANTIATE_TEST_SUITE_P(Table, EveryStrategy, testing::ValuesIn(strategies().begin(), strategies().end()),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(Strategies, AnUnknownNameListsTheNames) {
  try {
    (void)make_strategy("exhaustiv");
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::usage);
    EXPECT_STREQ(error.what(),
                 "unknown strategy 'exhaustiv'; did you mean 'exhaustive'? the strategies are exhaustive, random, fallback, fallback_bf16");
  }
}

}  // namespace
}  // namespace titrate
