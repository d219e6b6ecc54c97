// Training: formulas of an independent implementation, what it gains, and what it does where it cannot.
#include "engine/quant/finetune/finetune.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <omp.h>

#include <cmath>

#include "engine/quant/finetune/blocks.hpp"
#include "engine/quant/finetune/learned_weights.hpp"
#include "engine/quant/finetune/step_size.hpp"
#include "engine/quant/round_to_nearest.hpp"
#include "tests/engine/quant/golden.hpp"
#include "tests/engine/quant/quantized_sketch.hpp"

namespace titrate::engine {
namespace {

using ::testing::HasSubstr;

TEST(StepSizeGolden, SlopesAreThoseOfTheReference) {
  for (const nlohmann::json& golden : golden_cases("recon.json", "lsq")) {
    const int bits = golden["bits"].get<int>();
    const IntegerRange range = signed_range(bits);
    const std::vector<float> weights = golden_floats(golden["w"]);
    for (std::size_t index = 0; index < weights.size(); ++index) {
      const StepSlopes slopes =
          step_slopes(weights[index], golden_float(golden["s_init"]), static_cast<float>(range.least), static_cast<float>(range.most));
      EXPECT_NEAR(static_cast<double>(slopes.by_scale), golden["d_what_ds"][index].get<double>(), 2e-5) << bits << " " << index;
      EXPECT_EQ(static_cast<double>(slopes.by_weight), golden["d_what_dw"][index].get<double>());
    }
    EXPECT_NEAR(static_cast<double>(step_gradient_factor(std::ssize(weights), static_cast<float>(range.most))),
                golden["grad_scale"].get<double>(), 1e-7);
  }
}

// Slopes by the scale against differences, where the codes stay.
TEST(StepSize, TheScalesSlopeIsTheDifferenceForClippedWeights) {
  for (const float weight : {5.0F, -7.0F}) {
    const auto rounded = [&](double scale) { return scale * std::clamp(std::nearbyint(static_cast<double>(weight) / scale), -2.0, 1.0); };
    const double difference = (rounded(0.51) - rounded(0.49)) / 0.02;
    EXPECT_NEAR(static_cast<double>(step_slopes(weight, 0.5F, -2, 1).by_scale), difference, 1e-9);
  }
}

TEST(LearnedWeights, BeginWithTheGivenCodesAndReachATarget) {
  for (const bool transposed : {false, true}) {
    const Tensor begin = numbers({3, 20}, 5);
    const WeightMatrix weights{
        .rows = 3, .columns = 20, .elements = {begin.data<float>().begin(), begin.data<float>().end()}, .transposed = transposed};
    QuantizedMatrix start = quantize_weights(weights, {.bits = 3, .mode = WeightMode::asymmetric, .group_size = 16});
    start.codes[7] = static_cast<std::int16_t>(start.codes[7] == 0 ? 1 : start.codes[7] - 1);  // as another algorithm might
    LearnedWeights learned(weights, start, transposed ? Shape{20, 3} : Shape{3, 20}, transposed);
    EXPECT_EQ(learned.quantized().codes, start.codes);
    const Tensor target = numbers(transposed ? Shape{20, 3} : Shape{3, 20}, 6, 0.5F);
    const auto distance = [&] {
      double sum = 0;
      const Tensor value = learned.value();
      for (std::size_t index = 0; index < 60; ++index)
        sum += std::pow(static_cast<double>(value.data<float>()[index] - target.data<float>()[index]), 2);
      return sum;
    };
    const double before = distance();
    for (int step = 1; step <= 300; ++step) {
      const Tensor value = learned.value();
      std::vector<float> gradient(60);
      for (std::size_t index = 0; index < 60; ++index) gradient[index] = 2 * (value.data<float>()[index] - target.data<float>()[index]);
      learned.descend(gradient, 0.03F, step);
    }
    EXPECT_LT(distance(), 0.15 * before);
    for (const std::int16_t code : learned.quantized().codes) EXPECT_TRUE(code >= 0 && code <= 7);
  }
}

Model residual_network() {
  Sketch sketch(13);
  sketch.input("x", {1, 3, 8, 8}).constant("w1", numbers({6, 3, 3, 3}, 1)).constant("b1", numbers({6}, 2));
  sketch.constant("w2", numbers({6, 6, 3, 3}, 3, 0.5F)).constant("b2", numbers({6}, 4)).constant("wd", numbers({6, 1, 3, 3}, 5));
  sketch.constant("w3", numbers({24, 4}, 6)).constant("b3", numbers({4}, 7));
  const std::vector<Attribute> same = {ints("pads", {1, 1, 1, 1})};
  sketch.node("Conv", {"x", "w1", "b1"}, {"a"}, same).node("Relu", {"a"}, {"b"});
  sketch.node("Conv", {"b", "w2", "b2"}, {"c"}, same).node("Relu", {"c"}, {"d"});
  sketch.node("Conv", {"d", "wd"}, {"e"}, {ints("pads", {1, 1, 1, 1}), one("group", 6)})
      .node("Add", {"e", "b"}, {"f"})
      .node("Relu", {"f"}, {"g"});
  sketch.node("MaxPool", {"g"}, {"h"}, {ints("kernel_shape", {4, 4}), ints("strides", {4, 4})}).node("Flatten", {"h"}, {"i"});
  return sketch.node("MatMul", {"i", "w3"}, {"j"}).node("Add", {"j", "b3"}, {"y"}).output("y").model();
}

Model normalized() {
  Sketch sketch(17);
  sketch.input("x", {6, 12}).constant("gamma", positive({12}, 1)).constant("beta", numbers({12}, 2));
  sketch.constant("w1", numbers({12, 16}, 3)).constant("b1", numbers({16}, 4)).constant("w2", numbers({16, 12}, 5));
  sketch.node("LayerNormalization", {"x", "gamma", "beta"}, {"n"}).node("MatMul", {"n", "w1"}, {"a"}).node("Add", {"a", "b1"}, {"b"});
  sketch.node("Sigmoid", {"b"}, {"s"}).node("Mul", {"b", "s"}, {"c"}).node("MatMul", {"c", "w2"}, {"d"});
  return sketch.node("Add", {"d", "x"}, {"y"}).output("y").model();
}

// No two values with the same range, so that none seems to share its scale with another.
CalibrationStatistics different_statistics(const Model& model) {
  Ranges ranges;
  for (const std::string& name : observed_values(model.graph)) ranges[name] = {-1.0F, 1.0F + 0.01F * static_cast<float>(ranges.size())};
  return statistics_for(model.graph, ranges);
}

struct Tuned {
  Model prepared;
  Config config;
  FinetunedModel trained;
  StageRemarks remarks;
};

Tuned tuned(const Model& model, const std::string& config, std::int64_t samples = 60) {
  Tuned result{.prepared = prepare_float_model(model), .config = parse_config(config), .trained = {}, .remarks = {}};
  const CalibrationSamples data = random_samples(result.prepared, samples);
  const WeightSolutions solutions =
      needs_layer_inputs(result.prepared, result.config) ? solve_layers(result.prepared, result.config, data) : WeightSolutions{};
  const CalibrationStatistics statistics = different_statistics(result.prepared);
  result.trained = finetune({.reference = result.prepared,
                             .start = result.prepared,
                             .config = result.config,
                             .statistics = statistics,
                             .solutions = solutions,
                             .samples = data},
                            result.remarks);
  verify(result.trained.model.graph);
  return result;
}

// Mean squared difference from the float model on samples that nobody saw.
double error_of(const Model& reference, const Model& candidate) {
  double sum = 0;
  const CalibrationSamples unseen = random_samples(reference, 0);
  for (std::int64_t sample = 1000; sample < 1032; ++sample) {
    const std::vector<Tensor> inputs = unseen.feed(sample);
    const Tensor wanted = run_once(reference, inputs).at(0);
    const Tensor own = run_once(candidate, inputs).at(0);
    for (std::size_t index = 0; index < static_cast<std::size_t>(wanted.elements()); ++index)
      sum += std::pow(static_cast<double>(wanted.data<float>()[index] - own.data<float>()[index]), 2);
  }
  return sum;
}

std::string to_string(const StageRemarks& remarks) {
  std::string all;
  for (const auto& [name, lines] : remarks) {
    for (const std::string& line : lines) all += "\n" + name + ": " + line;
  }
  return all;
}

TEST(Finetune, ComesNearerToTheFloatModelOnUnseenSamples) {
  for (const Model& model : {residual_network(), normalized()}) {
    for (const char* scheme : {"rtn(bits=2,sym=false,group_size=-1)", "rtn(bits=3,group_size=0)"}) {
      const Tuned result = tuned(model, std::string("finetune(epochs=20) + ") + scheme);
      const Config plain = parse_config(scheme);
      const double before = error_of(result.prepared, convert(result.prepared, plain, {}).model);
      const Conversion after = convert(result.trained.model, result.config, {}, result.trained.solutions);
      EXPECT_LT(error_of(result.prepared, after.model), 0.8 * before) << scheme << to_string(result.remarks);
    }
  }
}

TEST(Finetune, TrainsNormalizationsAndBiases) {
  const Tuned result = tuned(normalized(), "finetune() + rtn(bits=2,sym=false,group_size=-1)");
  EXPECT_THAT(result.remarks.at("n_a").at(0), HasSubstr("dB less output error on held-out samples, 1 layer"));
  const auto changed = [&](const char* node, std::size_t input) {
    const Tensor& before = *result.prepared.graph.constant_input(node_named(result.prepared, node), input);
    const Tensor& after = *result.trained.model.graph.constant_input(node_named(result.trained.model, node), input);
    return !std::equal(before.data<float>().begin(), before.data<float>().end(), after.data<float>().begin());
  };
  EXPECT_TRUE(changed("n_n", 1));
  EXPECT_TRUE(changed("n_n", 2));
  EXPECT_TRUE(changed("n_b", 1));
  EXPECT_FALSE(changed("n_a", 1)) << "the float weights stay: the codes are what is trained";
}

TEST(Finetune, LearnsTheRangesOfActivations) {
  // Statistics say [-1, 1]; values go further.
  const Tuned result = tuned(normalized(), "finetune(epochs=20) + static_int8()");
  const double before =
      error_of(result.prepared, convert(result.prepared, parse_config("static_int8()"), different_statistics(result.prepared)).model);
  const Conversion after = convert(result.trained.model, result.config, result.trained.statistics);
  EXPECT_LT(error_of(result.prepared, after.model), 0.9 * before) << to_string(result.remarks);
  std::int64_t learned = 0;
  for (const auto& [name, statistics] : result.trained.statistics) learned += statistics.learned ? 1 : 0;
  EXPECT_GT(learned, 0);
}

TEST(Finetune, BlocksEndWhereOneValueCrosses) {
  const Model model = prepare_float_model(residual_network());
  const auto is_layer = [&](std::size_t node) {
    return model.graph.nodes[node].type == "Conv" || model.graph.nodes[node].type == "MatMul";
  };
  const std::vector<Block> blocks = split_into_blocks(model.graph, is_layer, 1);
  ASSERT_EQ(blocks.size(), 3U);
  EXPECT_EQ(blocks[0].layers.size(), 1U);
  EXPECT_EQ(blocks[1].layers.size(), 2U) << "the residual branch is not torn";
  EXPECT_EQ(blocks[2].layers.size(), 1U);
  EXPECT_EQ(blocks[0].begin, 0U);
  EXPECT_EQ(blocks[2].end, model.graph.nodes.size());
  EXPECT_EQ(split_into_blocks(model.graph, is_layer, 2).size(), 2U);
}

TEST(Finetune, NoThreadCountChangesTheResult) {
  const int before = omp_get_max_threads();
  omp_set_num_threads(1);
  const Tuned first = tuned(residual_network(), "finetune(epochs=2) + rtn(bits=2,group_size=-1,sym=false)", 20);
  omp_set_num_threads(4);
  const Tuned second = tuned(residual_network(), "finetune(epochs=2) + rtn(bits=2,group_size=-1,sym=false)", 20);
  omp_set_num_threads(before);
  ASSERT_FALSE(first.trained.solutions.empty());
  for (const auto& [name, solution] : first.trained.solutions) {
    EXPECT_EQ(solution.quantized.codes, second.trained.solutions.at(name).quantized.codes) << name;
    EXPECT_EQ(solution.quantized.scales, second.trained.solutions.at(name).quantized.scales) << name;
  }
  EXPECT_EQ(first.remarks, second.remarks);
}

TEST(Finetune, SaysWhereItLeavesABlockAsItWas) {
  // A rate that throws everything about.
  const Tuned worse = tuned(normalized(), "finetune(epochs=1,rate=1) + rtn(bits=8,group_size=-1)", 10);
  EXPECT_THAT(worse.remarks.at("n_a").at(0), HasSubstr("finetune left it as it was: held-out error did not fall"));
  EXPECT_TRUE(worse.trained.solutions.empty());
  const Tuned few = tuned(normalized(), "finetune() + rtn()", 4);
  EXPECT_THAT(few.remarks.at("n_a").at(0), HasSubstr("fewer than 5 samples"));
}

TEST(Finetune, NumbersThatAreNotFiniteAreARemarkAndNotTheEnd) {
  const Model prepared = prepare_float_model(residual_network());
  CalibrationSamples samples = random_samples(prepared, 10);
  const auto feed = samples.feed;
  samples.feed = [feed](std::int64_t sample) {
    std::vector<Tensor> inputs = feed(sample);
    if (sample == 3) inputs[0] = Tensor::of<float>(inputs[0].shape(), std::vector<float>(192, std::numeric_limits<float>::quiet_NaN()));
    return inputs;
  };
  StageRemarks remarks;
  const Config config = parse_config("finetune(epochs=1) + rtn(bits=2,group_size=-1)");
  const FinetunedModel trained = finetune(
      {.reference = prepared, .start = prepared, .config = config, .statistics = {}, .solutions = {}, .samples = samples}, remarks);
  EXPECT_TRUE(trained.solutions.empty());
  EXPECT_THAT(remarks.at("n_a").at(0), HasSubstr("not finite"));
}

TEST(Finetune, OnlyLayersThatHaveTheStageAreTrained) {
  const Tuned result =
      tuned(residual_network(), "rtn(bits=2,group_size=-1,sym=false) | name:n_c = finetune() + rtn(bits=2,group_size=-1,sym=false)", 30);
  EXPECT_EQ(result.remarks.size(), 1U);
  EXPECT_TRUE(result.remarks.contains("n_c"));
  EXPECT_EQ(result.trained.solutions.size(), 1U);
}

TEST(Finetune, ServesEveryScheme) {
  for (const QuantizerRow& row : scheme_implementations()) {
    if (row.name == "float") continue;
    for (const Model& model : {residual_network(), normalized()}) {
      const Tuned result = tuned(model, "finetune(epochs=2) + " + std::string(row.name) + "()", 20);
      EXPECT_FALSE(result.remarks.empty()) << row.name;
      const Conversion conversion = convert(result.trained.model, result.config, result.trained.statistics, result.trained.solutions);
      EXPECT_TRUE(quantizes_anything(conversion)) << row.name;
      EXPECT_EQ(run_once(conversion.model, random_samples(result.prepared, 1).feed(0)).size(), 1U);
    }
  }
}

TEST(Finetune, NeedsSamplesAndALayer) {
  const Model prepared = prepare_float_model(normalized());
  StageRemarks remarks;
  const auto message = [&](const char* text, const CalibrationSamples& samples) -> std::string {
    const Config config = parse_config(text);
    try {
      (void)finetune({.reference = prepared, .start = prepared, .config = config, .statistics = {}, .solutions = {}, .samples = samples},
                     remarks);
    } catch (const Error& error) {
      return error.what();
    }
    return {};
  };
  EXPECT_THAT(message("finetune() + rtn()", {}), HasSubstr("finetune needs calibration data"));
  EXPECT_THAT(message("rtn() | name:n_a = finetune() + float", random_samples(prepared, 8)), HasSubstr("no quantized layer to train"));
}

}  // namespace
}  // namespace titrate::engine
