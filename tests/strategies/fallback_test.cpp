#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "strategies/mixed_search.hpp"
#include "strategies/sensitivity.hpp"
#include "tests/strategies/simulated_model.hpp"

namespace titrate {
namespace {

using simulated::configs_of;
using simulated::Model;
using ::testing::ElementsAre;

const std::unique_ptr<Strategy> fallback = make_strategy("fallback");

int log2_up(std::size_t count) {
  int bits = 0;
  while ((std::size_t{1} << bits) < count) ++bits;
  return bits;
}

// Nodes with sensitivities over some decades, in random order.
Model a_model(std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  Model model;
  for (std::size_t index = 0; index < count; ++index) {
    model.nodes.push_back({"n" + std::to_string(index), std::exp(std::normal_distribution<>(-6, 2)(random)), 0, 1000});
  }
  return model;
}

// The least number of most sensitive nodes that have to be lifted, by trying every number; -1: not even all of them.
int least_lifts(const Model& model, const Config& base) {
  std::vector<simulated::Node> sorted = model.nodes;
  std::ranges::stable_sort(sorted, std::ranges::greater{}, &simulated::Node::sensitivity);
  Config config = base;
  for (int count = 0; count <= static_cast<int>(sorted.size()); ++count) {
    if (model.measure(config, 1).state == TrialState::passed) return count;
    if (count == static_cast<int>(sorted.size())) break;
    config.overrides.push_back({Override::Kind::name, sorted[static_cast<std::size_t>(count)].name, lifted(base.scheme)});
  }
  return -1;
}

TEST(Fallback, IsExhaustiveUntilAConfigPasses) {
  Model model = a_model(5, 1);
  model.tolerable_loss = 1e-6;
  const std::vector<TrialRecord> trials = simulated::run(*fallback, model, "rtn(bits=[2,4,8]);static_int8()", {.tolerable_loss = 1e-6});
  EXPECT_THAT(configs_of(trials), ElementsAre("rtn(bits=2)", "rtn()", "rtn(bits=8)"));
  EXPECT_EQ(trials.back().state, TrialState::passed);
}

TEST(Fallback, FindsTheLeastNumberOfNodesAt8BitInLogarithmicallyManyTrials) {
  for (const std::size_t count : {1U, 2U, 3U, 7U, 16U, 54U, 200U}) {
    for (const std::uint64_t seed : {1U, 2U, 3U, 4U}) {
      Model model = a_model(count, seed);
      const Config base = parse_config("rtn()");
      const double whole = *model.measure(base, 1).loss;
      for (const double part : {0.9, 0.3, 0.01}) {
        model.tolerable_loss = whole * part;
        const int least = least_lifts(model, base);
        const std::vector<TrialRecord> trials = simulated::run(*fallback, model, "rtn()", {.tolerable_loss = model.tolerable_loss});
        const TrialRecord* best = simulated::smallest(trials);
        ASSERT_NE(best, nullptr);
        EXPECT_LE(static_cast<int>(trials.size()), 2 + log2_up(count));
        const Config found = parse_config(best->config);
        // All at 8 bit is the uniform config, without overrides.
        const int lifts = found.overrides.empty() ? static_cast<int>(count) : static_cast<int>(found.overrides.size());
        EXPECT_EQ(lifts, least) << count << " nodes, seed " << seed;
      }
    }
  }
}

TEST(Fallback, IntegerSchemesGoBackToFloat) {
  for (const char* text : {"static_int8()", "fp8()", "dynamic_int8()", "rtn(bits=8)"}) {
    Model model = a_model(30, 5);
    for (simulated::Node& node : model.nodes) node.loss_at_8_bits = node.sensitivity;
    const Config base = parse_config(text);
    model.tolerable_loss = *model.measure(base, 1).loss * 0.2;
    const std::vector<TrialRecord> trials = simulated::run(*fallback, model, text, {.tolerable_loss = model.tolerable_loss});
    const TrialRecord* best = simulated::smallest(trials);
    ASSERT_NE(best, nullptr) << text;
    const Config found = parse_config(best->config);
    EXPECT_EQ(found.scheme, base.scheme);
    EXPECT_EQ(static_cast<int>(found.overrides.size()), least_lifts(model, base));
    for (const Override& each : found.overrides) EXPECT_TRUE(std::holds_alternative<FloatScheme>(each.scheme));
    EXPECT_LE(static_cast<int>(trials.size()), 1 + log2_up(30));
  }
}

TEST(FallbackBf16, IntegerSchemesGoBackToBf16) {
  const std::unique_ptr<Strategy> strategy = make_strategy("fallback_bf16");
  Model model = a_model(30, 5);
  for (simulated::Node& node : model.nodes) node.loss_at_8_bits = node.sensitivity;
  const Config base = parse_config("static_int8()");
  model.tolerable_loss = *model.measure(base, 1).loss * 0.2;
  const std::vector<TrialRecord> trials = simulated::run(*strategy, model, "static_int8()", {.tolerable_loss = model.tolerable_loss});
  EXPECT_EQ(trials.at(1).config, "bf16()");
  const TrialRecord* best = simulated::smallest(trials);
  ASSERT_NE(best, nullptr);
  const Config found = parse_config(best->config);
  EXPECT_EQ(found.scheme, base.scheme);
  EXPECT_EQ(static_cast<int>(found.overrides.size()), least_lifts(model, base));  // bf16 loses nothing here, as float
  for (const Override& each : found.overrides) EXPECT_TRUE(std::holds_alternative<Bf16Scheme>(each.scheme));
}

TEST(FallbackBf16, AllInBf16IsTheAnswerIfOnlyThatPasses) {
  const std::unique_ptr<Strategy> strategy = make_strategy("fallback_bf16");
  Model model = a_model(4, 5);
  for (simulated::Node& node : model.nodes) node.loss_at_8_bits = 1;
  const std::vector<TrialRecord> trials = simulated::run(*strategy, model, "static_int8()", {});
  ASSERT_NE(simulated::smallest(trials), nullptr);
  EXPECT_EQ(simulated::smallest(trials)->config, "bf16()");
  for (simulated::Node& node : model.nodes) node.loss_in_bf16 = 1;
  EXPECT_EQ(simulated::run(*strategy, model, "static_int8()", {}).size(), 2U);
}

TEST(FallbackBf16, BothStepsEndInBf16) {
  const std::unique_ptr<Strategy> strategy = make_strategy("fallback_bf16");
  Model model;
  for (int index = 0; index < 8; ++index) model.nodes.push_back({"n" + std::to_string(index), 0.0001, 0, 1000});
  model.nodes[3].loss_at_8_bits = 0.5;
  model.nodes[1].sensitivity = 0.3;
  const std::vector<TrialRecord> trials = simulated::run(*strategy, model, "rtn()", {});
  ASSERT_NE(simulated::smallest(trials), nullptr);
  EXPECT_EQ(simulated::smallest(trials)->config, "rtn() | name:n1 = rtn(bits=8,group_size=-1) | name:n3 = bf16()");
}

TEST(Fallback, NodesThat8BitHurtsBecomeFloatAndTheRestStaysSmall) {
  // Node 3 loses too much even at 8 bit, node 1 only at 4: by hand, the smallest that passes has 3 in float and 1 in 8 bit.
  Model model;
  for (int index = 0; index < 8; ++index) model.nodes.push_back({"n" + std::to_string(index), 0.0001, 0, 1000});
  model.nodes[3].loss_at_8_bits = 0.5;
  model.nodes[1].sensitivity = 0.3;
  const std::vector<TrialRecord> trials = simulated::run(*fallback, model, "rtn()", {});
  ASSERT_NE(simulated::smallest(trials), nullptr);
  EXPECT_EQ(simulated::smallest(trials)->config, "rtn() | name:n1 = rtn(bits=8,group_size=-1) | name:n3 = float");
  EXPECT_EQ(trials[1].config, "rtn(bits=8,group_size=-1)");
  EXPECT_LE(static_cast<int>(trials.size()), 2 + 2 * log2_up(9));
}

TEST(Fallback, AllFloatIsNeverProposed) {
  for (const char* text : {"rtn()", "static_int8()"}) {
    for (const std::size_t count : {1U, 2U, 9U}) {
      Model model = a_model(count, 3);
      for (simulated::Node& node : model.nodes) node.loss_at_8_bits = 1;
      const std::vector<TrialRecord> trials = simulated::run(*fallback, model, text, {});
      EXPECT_EQ(simulated::smallest(trials), nullptr);
      for (const TrialRecord& trial : trials) {
        const bool all_float = std::ranges::all_of(trial.layers, [](const LayerDecision& layer) { return layer.scheme == "float"; });
        EXPECT_FALSE(all_float) << trial.config;
      }
    }
  }
}

TEST(Fallback, KeepsTheOverridesOfTheBase) {
  Model model = a_model(6, 2);
  model.nodes[2].sensitivity = 5;
  model.nodes[4].sensitivity = 4;
  const std::vector<TrialRecord> trials = simulated::run(*fallback, model, "rtn() | name:n0 = float | name:n2 = rtn(bits=3)", {});
  const TrialRecord* best = simulated::smallest(trials);
  ASSERT_NE(best, nullptr);
  const Config found = parse_config(best->config);
  EXPECT_EQ(to_text(scheme_for(found, "n0", "Conv")), "float");
  EXPECT_EQ(to_text(scheme_for(found, "n2", "Conv")), "rtn(bits=8,group_size=-1)");
  for (const TrialRecord& trial : trials) EXPECT_EQ(trial.layers[0].scheme, "float") << trial.config;
}

TEST(Fallback, BeginsWithTheBaseThatPromisesTheSmallestResult) {
  // Without groups everything but one small node would have to go to 8 bit; with groups of 32 hardly anything.
  Model model;
  for (int index = 0; index < 20; ++index) model.nodes.push_back({"n" + std::to_string(index), 0.0012, 0, 1000});
  model.tolerable_loss = 0.009;
  const std::vector<TrialRecord> trials = simulated::run(*fallback, model, "rtn(group_size=[-1,32])", {.tolerable_loss = 0.009});
  EXPECT_LT(*trials[0].size_bytes, *trials[1].size_bytes);
  const TrialRecord* best = simulated::smallest(trials);
  ASSERT_NE(best, nullptr);
  // By hand: each node loses 0.00048 in groups of 32, 18 of them stay below 0.009.
  EXPECT_EQ(best->config, "rtn() | name:n0 = rtn(bits=8,group_size=-1) | name:n1 = rtn(bits=8,group_size=-1)");
}

TEST(Fallback, TakesTheNextBaseIfOneHasNoAnswer) {
  Model model = a_model(4, 9);
  for (simulated::Node& node : model.nodes) node.loss_at_8_bits = 0.1;
  model.tolerable_loss = 0.25;
  const auto measure = [&](const Config& config, int number) {
    TrialRecord trial = model.measure(config, number);
    const bool mixed_integers = !config.overrides.empty() && scheme_name(config.scheme) == "static_int8";
    if (mixed_integers) trial.state = TrialState::error;
    return trial;
  };
  const Goal goal{.tolerable_loss = 0.25};
  const std::vector<TrialRecord> trials = simulated::run(*fallback, model.space("static_int8();fp8()"), goal, 0, measure);
  EXPECT_EQ(parse_config(trials[2].config).scheme, parse_config("static_int8()").scheme);
  ASSERT_NE(simulated::smallest(trials), nullptr);
  const Config found = parse_config(simulated::smallest(trials)->config);
  EXPECT_EQ(scheme_name(found.scheme), "fp8");
  EXPECT_EQ(found.overrides.size(), 2U);
}

TEST(Fallback, WithObjectiveSizeItImprovesOnAUniformConfigThatPasses) {
  Model model = a_model(40, 11);
  model.tolerable_loss = *model.measure(parse_config("rtn()"), 1).loss * 0.5;
  const Goal goal{.tolerable_loss = model.tolerable_loss, .objective = Objective::size};
  const std::vector<TrialRecord> trials = simulated::run(*fallback, model, "rtn(bits=[4,8])", goal);
  EXPECT_EQ(trials[1].state, TrialState::passed);
  EXPECT_LT(*simulated::smallest(trials)->size_bytes, *trials[1].size_bytes);
  EXPECT_EQ(static_cast<int>(parse_config(simulated::smallest(trials)->config).overrides.size()),
            least_lifts(model, parse_config("rtn()")));
}

TEST(Fallback, NoiseDoesNotKeepItFromAMeasuredPass) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    Model model = a_model(60, seed);
    model.tolerable_loss = *model.measure(parse_config("rtn()"), 1).loss * 0.2;
    const auto measure = [&](const Config& config, int number) {
      TrialRecord trial = model.measure(config, number);
      // Up to 20 % off, the same each time.
      *trial.loss *= 0.8 + 0.4 * static_cast<double>(hash_of(config) % 1000) / 1000;
      trial.state = *trial.loss <= model.tolerable_loss ? TrialState::passed : TrialState::failed_goal;
      return trial;
    };
    const Goal goal{.tolerable_loss = model.tolerable_loss};
    const std::vector<TrialRecord> trials = simulated::run(*fallback, model.space("rtn()"), goal, 0, measure);
    EXPECT_LE(static_cast<int>(trials.size()), 2 + log2_up(60));
    ASSERT_NE(simulated::smallest(trials), nullptr);
  }
}

TEST(Fallback, WithoutRecordedLayersTheOrderOfTheNodesServes) {
  Model model = a_model(10, 4);
  model.record_layers = false;
  model.tolerable_loss = *model.measure(parse_config("rtn()"), 1).loss * 0.1;
  const std::vector<TrialRecord> trials = simulated::run(*fallback, model, "rtn()", {.tolerable_loss = model.tolerable_loss});
  ASSERT_NE(simulated::smallest(trials), nullptr);
  EXPECT_EQ(trials[2].config.substr(0, 50), "rtn() | name:n0 = rtn(bits=8,group_size=-1) | name");
}

TEST(Sensitivity, RanksByTheirSqnrAndLeavesOutWhatIsFloat) {
  const auto layer = [](const char* name, const char* scheme, std::optional<double> sqnr) {
    LayerDecision decision;
    decision.name = name;
    decision.type = "Conv";
    decision.scheme = scheme;
    decision.sqnr_db = sqnr;
    decision.float_bytes = 400;
    decision.stored_bytes = 60;
    return decision;
  };
  const std::vector<LayerDecision> layers = {layer("a", "rtn()", 20),   layer("b", "float", {}), layer("c", "rtn()", {}),
                                             layer("d", "rtn()", -3.0), layer("a", "rtn()", 1),  layer("e", "rtn()", 40)};
  const std::vector<Liftable> ranked = ranked_nodes(parse_config("rtn() | name:e = rtn(bits=8)"), layers, {});
  ASSERT_EQ(ranked.size(), 4U);
  EXPECT_EQ(ranked[0].name, "d");
  EXPECT_EQ(ranked[1].name, "a");
  EXPECT_EQ(ranked[2].name, "e");
  EXPECT_EQ(ranked[3].name, "c");
  EXPECT_NEAR(ranked[1].noise, 0.01, 1e-12);
  EXPECT_EQ(ranked[0].more_bytes, 40);   // to 8 bit
  EXPECT_EQ(ranked[2].more_bytes, 340);  // to float
}

TEST(Sensitivity, PredictsLiftsInProportionToTheNoise) {
  const std::vector<Liftable> ranked = {{"a", {}, 0.6, 0}, {"b", {}, 0.3, 0}, {"c", {}, 0.1, 0}};
  EXPECT_EQ(predicted_lifts(ranked, 0.1, 0.1), 0U);
  EXPECT_EQ(predicted_lifts(ranked, 0.1, 0.05), 1U);
  EXPECT_EQ(predicted_lifts(ranked, 0.1, 0.02), 2U);
  EXPECT_EQ(predicted_lifts(ranked, 0.1, 0.001), 3U);
  EXPECT_EQ(predicted_lifts(ranked, 0.1, -1), 3U);
  EXPECT_EQ(predicted_lifts({}, 0.1, 0.05), 0U);
}

}  // namespace
}  // namespace titrate
