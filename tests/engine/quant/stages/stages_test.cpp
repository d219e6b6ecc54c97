// Stages: the function of the float model stays, formulas are those of an independent implementation.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "engine/quant/bias_correction/correct_biases.hpp"
#include "engine/quant/stages/smoothquant.hpp"
#include "tests/engine/quant/golden.hpp"
#include "tests/engine/quant/quantized_sketch.hpp"

namespace titrate::engine {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;

Tensor tensor_of(const Json& rows, Shape shape) {
  std::vector<float> numbers;
  for (const Json& row : rows) {
    for (const float number : golden_floats(row)) numbers.push_back(number);
  }
  return Tensor::of<float>(shape, numbers);
}

void expect_near(const Tensor& own, const Json& rows) {
  const auto elements = own.data<float>();
  std::size_t index = 0;
  for (const Json& row : rows) {
    for (const Json& number : row.is_array() ? row : Json::array({row}))
      EXPECT_NEAR(static_cast<double>(elements[index++]), number.get<double>(), 2e-6 * std::max(1.0, std::fabs(number.get<double>())));
  }
  EXPECT_EQ(index, elements.size());
}

const Tensor& weights_of(const Model& model, const std::string& node, std::size_t input = 1) {
  return *model.graph.constant_input(node_named(model, node), input);
}

struct Staged {
  Model before;
  Model after;
  StageRemarks remarks;
};

Staged staged(const Model& model, const std::string& config, std::int64_t samples = 16) {
  Staged result{.before = prepare_float_model(model), .after = {}, .remarks = {}};
  result.after = apply_stages(result.before, parse_config(config), random_samples(result.before, samples), result.remarks);
  verify(result.after.graph);
  return result;
}

// Largest difference of the outputs over the largest output.
double relative_change(const Model& first, const Model& second) {
  double change = 0;
  double largest = 0;
  for (std::int64_t sample = 0; sample < 4; ++sample) {
    const std::vector<Tensor> inputs = random_samples(first, 4).feed(sample);
    const Tensor wanted = run_once(first, inputs).at(0);
    const Tensor own = run_once(second, inputs).at(0);
    for (std::size_t index = 0; index < static_cast<std::size_t>(wanted.elements()); ++index) {
      change = std::max(change, static_cast<double>(std::fabs(wanted.data<float>()[index] - own.data<float>()[index])));
      largest = std::max(largest, static_cast<double>(std::fabs(wanted.data<float>()[index])));
    }
  }
  return change / largest;
}

Tensor even(Shape shape, std::uint32_t seed) { return numbers(std::move(shape), seed); }

// Channels of very different size.
Tensor uneven(Shape shape, std::uint32_t seed) {
  Tensor tensor = numbers(shape, seed);
  const auto elements = tensor.mutable_data<float>();
  for (std::size_t index = 0; index < elements.size(); ++index) elements[index] *= std::exp2(static_cast<float>(index * 7 % 5));
  return tensor;
}

Model convolutions(Tensor (*weights)(Shape, std::uint32_t) = uneven) {
  Sketch sketch(13);
  sketch.input("x", {1, 3, 8, 8}).constant("w1", weights({6, 3, 3, 3}, 1)).constant("b1", numbers({6}, 2));
  sketch.constant("wd", weights({6, 1, 3, 3}, 3)).constant("bd", numbers({6}, 4)).constant("w2", weights({5, 6, 1, 1}, 5));
  sketch.node("Conv", {"x", "w1", "b1"}, {"a"}).node("Relu", {"a"}, {"b"});
  sketch.node("Conv", {"b", "wd", "bd"}, {"c"}, {attribute("group", std::int64_t{6})}).node("Relu", {"c"}, {"d"});
  return sketch.node("MaxPool", {"d"}, {"e"}, {attribute("kernel_shape", std::vector<std::int64_t>{2, 2})})
      .node("Conv", {"e", "w2"}, {"y"})
      .output("y")
      .model();
}

// A normalization that feeds two layers, one with a bias behind it, and a layer behind both.
Model normalized() {
  Sketch sketch(17);
  sketch.input("x", {2, 4, 12}).constant("gamma", positive({12}, 1)).constant("beta", numbers({12}, 2));
  sketch.constant("w1", uneven({12, 6}, 3))
      .constant("b1", numbers({6}, 4))
      .constant("w2", numbers({12, 6}, 5))
      .constant("w3", uneven({6, 3}, 6));
  sketch.node("LayerNormalization", {"x", "gamma", "beta"}, {"n"}).node("MatMul", {"n", "w1"}, {"a"}).node("Add", {"a", "b1"}, {"b"});
  sketch.node("Relu", {"b"}, {"r"}).node("MatMul", {"n", "w2"}, {"c"}).node("Mul", {"r", "c"}, {"d"});
  return sketch.node("MatMul", {"d", "w3"}, {"y"}).output("y").model();
}

TEST(Stages, TheFunctionStays) {
  for (const char* config : {"equalize() + rtn()", "smoothquant() + static_int8()", "smoothquant(alpha=auto) + static_int8()",
                             "equalize() + smoothquant(alpha=0.8) + static_int8()", "awq(bits=3)"}) {
    for (const Model& model : {convolutions(), normalized()}) {
      const Staged result = staged(model, config);
      EXPECT_LT(relative_change(result.before, result.after), 1e-5) << config;
    }
  }
}

TEST(Stages, FactorsGoWhereTheyCostNothing) {
  const Staged result = staged(normalized(), "smoothquant() + static_int8()");
  EXPECT_THAT(result.remarks.at("n_a").at(0), HasSubstr("LayerNormalization 'n_n'"));
  EXPECT_THAT(result.remarks.at("n_c").at(0), HasSubstr("LayerNormalization 'n_n'"));
  EXPECT_THAT(result.remarks.at("n_y").at(0), HasSubstr("a Mul of its own"));
  EXPECT_EQ(result.after.graph.nodes.size(), result.before.graph.nodes.size() + 1);
}

TEST(Stages, ANodeThatDoesNotTakePartKeepsItsWeights) {
  const Staged result = staged(normalized(), "smoothquant() + static_int8() | name:n_c = static_int8()");
  EXPECT_EQ(to_doubles(weights_of(result.after, "n_c")), to_doubles(weights_of(result.before, "n_c")));
  EXPECT_THAT(result.remarks.at("n_a").at(0), HasSubstr("a Mul of its own"));
  EXPECT_LT(relative_change(result.before, result.after), 1e-5);
}

TEST(Stages, NeedSamplesAndSaySo) {
  const Model prepared = prepare_float_model(normalized());
  StageRemarks remarks;
  for (const char* config : {"smoothquant() + static_int8()", "awq()", "bias_correction() + rtn()", "finetune() + rtn()"}) {
    EXPECT_TRUE(changes_model_by_data(prepared, parse_config(config))) << config;
    EXPECT_THROW((void)apply_stages(prepared, parse_config(config), {}, remarks), Error) << config;
  }
  EXPECT_FALSE(changes_model_by_data(prepared, parse_config("equalize() + rtn()")));
}

// A normalization and one layer; channels of very different size on both sides.
Model one_layer() {
  Sketch sketch(17);
  sketch.input("x", {1, 8, 24}).constant("gamma", uneven({24}, 1)).constant("w", numbers({24, 16}, 3));
  return sketch.node("LayerNormalization", {"x", "gamma"}, {"n"}).node("MatMul", {"n", "w"}, {"y"}).output("y").model();
}

// What the whole quantized model loses, and what its layer's decision says of smoothing. Ranges are those of the samples.
struct Outcome {
  double error = 0;
  std::string remark;
};

Outcome outcome_of(const Model& model, const std::string& text) {
  const Staged result = staged(model, text);
  const CalibrationSamples samples = random_samples(model, 16);
  Ranges ranges;
  Model probe = result.after;
  probe.graph.outputs.push_back(*probe.graph.find_value("n"));
  for (std::int64_t sample = 0; sample < 16; ++sample) {
    const std::vector<Tensor> outputs = run_once(probe, samples.feed(sample));
    for (std::size_t index = 0; index < 2; ++index) {
      auto& [low, high] = ranges[index == 0 ? "y" : "n"];
      for (const float number : outputs[index].data<float>()) {
        low = std::min(low, number);
        high = std::max(high, number);
      }
    }
  }
  const Model quantized = convert(result.after, parse_config(text), statistics_for(result.after.graph, ranges)).model;
  Outcome outcome{.error = 0, .remark = result.remarks.contains("n_y") ? result.remarks.at("n_y").at(0) : ""};
  for (std::int64_t sample = 0; sample < 16; ++sample) {
    const Tensor wanted = run_once(result.before, samples.feed(sample))[0];
    const Tensor own = run_once(quantized, samples.feed(sample))[0];
    for (std::size_t index = 0; index < static_cast<std::size_t>(wanted.elements()); ++index)
      outcome.error += std::pow(static_cast<double>(wanted.data<float>()[index] - own.data<float>()[index]), 2);
  }
  return outcome;
}

TEST(SmoothQuant, TheSearchedAlphaIsTheBestForTheSchemeThatFollows) {
  std::set<std::string> remarks;
  for (const char* scheme : {"static_int8()", "static_int8(act=u16)", "static_int8(act=s8,act_sym=true,per_channel=false)",
                             "dynamic_int8()", "dynamic_int8(act=s8)", "fp8()", "fp8(format=e5m2)"}) {
    const Outcome searched = outcome_of(one_layer(), std::string("smoothquant(alpha=auto) + ") + scheme);
    double least = outcome_of(one_layer(), scheme).error;
    for (const char* alpha : {"0.3", "0.4", "0.5", "0.6", "0.7", "0.8", "0.9"})
      least = std::min(least, outcome_of(one_layer(), std::string("smoothquant(alpha=") + alpha + ") + " + scheme).error);
    EXPECT_LT(searched.error, 1.03 * least) << scheme << ": " << searched.remark;
    EXPECT_EQ(searched.remark, outcome_of(one_layer(), std::string("smoothquant(alpha=auto) + ") + scheme).remark);
    remarks.insert(searched.remark);
  }
  // Activations in 16 bits leave nothing to move into the weights.
  EXPECT_GE(remarks.size(), 3U);
}

TEST(SmoothQuant, WeightsAloneTakePartWhereASearchGainsByIt) {
  const Outcome searched = outcome_of(one_layer(), "smoothquant(alpha=auto) + rtn(bits=3,group_size=-1)");
  EXPECT_THAT(searched.remark, HasSubstr("smoothed with alpha"));
  EXPECT_LT(searched.error, 0.9 * outcome_of(one_layer(), "rtn(bits=3,group_size=-1)").error);
  const Outcome fixed = outcome_of(one_layer(), "smoothquant(alpha=0.5) + rtn(bits=3,group_size=-1)");
  EXPECT_THAT(fixed.remark, HasSubstr("not smoothed: its input stays float"));
  EXPECT_EQ(fixed.error, outcome_of(one_layer(), "rtn(bits=3,group_size=-1)").error);
}

TEST(SmoothQuant, TheSearchAsksTheSchemeOfTheNode) {
  const std::string whole = "smoothquant(alpha=auto) + static_int8()";
  const std::string wide = "smoothquant(alpha=auto) + static_int8(act=u16)";
  const Outcome own = outcome_of(one_layer(), whole + " | name:n_y = static_int8(act=u16)");
  EXPECT_EQ(own.remark, "");  // an override has stages of its own
  const Outcome named = outcome_of(one_layer(), whole + " | name:n_y = " + wide);
  EXPECT_EQ(named.remark, outcome_of(one_layer(), wide).remark);
  EXPECT_NE(named.remark, outcome_of(one_layer(), whole).remark);
}

TEST(SmoothQuantGolden, FactorsAndFoldedWeightsAreThoseOfTheReference) {
  const std::vector<Json> cases = golden_cases("smoothquant.json");
  const Json& data = cases[0];
  std::vector<float> activations(6);
  std::vector<float> weights(6);
  for (const Json& row : data["x"]) {
    for (std::size_t j = 0; j < 6; ++j) activations[j] = std::max(activations[j], std::fabs(golden_float(row[j])));
  }
  for (const char* name : {"w1", "w2"}) {
    for (const Json& row : data[name]) {
      for (std::size_t j = 0; j < 6; ++j) weights[j] = std::max(weights[j], std::fabs(golden_float(row[j])));
    }
  }
  for (std::size_t index = 1; index < cases.size(); ++index) {
    const std::vector<float> factors = smoothing_factors(activations, weights, cases[index]["alpha"]);
    for (std::size_t j = 0; j < 6; ++j) {
      const double wanted = cases[index]["scale"][j];
      EXPECT_NEAR(static_cast<double>(factors[j]), wanted, 1e-6 * wanted);
    }
  }
}

TEST(EqualizeGolden, APairOfLayers) {
  for (const Json& golden : golden_cases("bias_cle.json", "cle_pair")) {
    const std::int64_t middle = std::ssize(golden["w1"]);
    const std::int64_t in = std::ssize(golden["w1"][0]);
    const std::int64_t out = std::ssize(golden["w2"]);
    Sketch sketch(13);
    sketch.input("x", {1, in}).constant("w1", tensor_of(golden["w1"], {middle, in}));
    sketch.constant("b1", tensor_of(Json::array({golden["b1"]}), {middle})).constant("w2", tensor_of(golden["w2"], {out, middle}));
    const std::vector<Attribute> by_rows = {attribute("transB", std::int64_t{1})};
    sketch.node("Gemm", {"x", "w1", "b1"}, {"a"}, by_rows).node("Relu", {"a"}, {"b"}).node("Gemm", {"b", "w2"}, {"y"}, by_rows);
    const Staged result = staged(sketch.output("y").model(), "equalize() + rtn()");
    expect_near(weights_of(result.after, "n_a"), golden["w1_new"]);
    expect_near(weights_of(result.after, "n_a", 2), golden["b1_new"]);
    expect_near(weights_of(result.after, "n_y"), golden["w2_new"]);
  }
}

TEST(EqualizeGolden, ADepthwiseLayerBetweenTwo) {
  for (const Json& golden : golden_cases("bias_cle.json", "cle_depthwise")) {
    const std::int64_t middle = std::ssize(golden["w1"]);
    const std::int64_t in = std::ssize(golden["w1"][0]);
    const std::int64_t out = std::ssize(golden["w2"]);
    const std::int64_t taps = std::ssize(golden["w_depthwise"][0]);
    Sketch sketch(13);
    sketch.input("x", {1, in, 16}).constant("w1", tensor_of(golden["w1"], {middle, in, 1}));
    sketch.constant("wd", tensor_of(golden["w_depthwise"], {middle, 1, taps})).constant("w2", tensor_of(golden["w2"], {out, middle, 1}));
    sketch.node("Conv", {"x", "w1"}, {"a"}).node("Relu", {"a"}, {"b"});
    sketch.node("Conv", {"b", "wd"}, {"c"}, {attribute("group", middle)}).node("Relu", {"c"}, {"d"}).node("Conv", {"d", "w2"}, {"y"});
    const Staged result = staged(sketch.output("y").model(), "equalize() + rtn()");
    expect_near(weights_of(result.after, "n_a"), golden["w1_new"]);
    expect_near(weights_of(result.after, "n_c"), golden["w_depthwise_new"]);
    expect_near(weights_of(result.after, "n_y"), golden["w2_new"]);
  }
}

// Mean of each output channel over samples that were not calibrated on, the quantized model's less the float one's: the largest.
double mean_difference(const Model& model, const std::string& config) {
  const Config parsed = parse_config(config);
  Model prepared = prepare_float_model(model);
  StageRemarks remarks;
  const CalibrationSamples samples = random_samples(prepared, 32);
  const Model corrected = corrects_biases(parsed) ? correct_biases(prepared, parsed, {}, {}, samples, remarks).model : prepared;
  const Model quantized = convert(corrected, parsed, {}).model;
  std::vector<double> sums;
  for (std::int64_t sample = 0; sample < 32; ++sample) {
    const std::vector<Tensor> inputs = samples.feed(sample + 1000);
    const Tensor wanted = run_once(prepared, inputs).at(0);
    const Tensor own = run_once(quantized, inputs).at(0);
    const auto inner = static_cast<std::size_t>(wanted.elements() / (wanted.shape()[0] * wanted.shape()[1]));
    sums.resize(static_cast<std::size_t>(wanted.shape()[1]));
    for (std::size_t index = 0; index < static_cast<std::size_t>(wanted.elements()); ++index)
      sums[index / inner % sums.size()] += static_cast<double>(own.data<float>()[index] - wanted.data<float>()[index]);
  }
  double largest = 0;
  for (const double sum : sums) largest = std::max(largest, std::fabs(sum));
  return largest;
}

TEST(BiasCorrection, BringsTheMeansBack) {
  const double without = mean_difference(convolutions(even), "rtn(bits=3,group_size=-1)");
  for (const char* stage : {"bias_correction()", "bias_correction(mode=full)"}) {
    const std::string config = std::string(stage) + " + rtn(bits=3,group_size=-1)";
    EXPECT_LT(mean_difference(convolutions(even), config), 0.5 * without) << config;
  }
}

TEST(BiasCorrectionGolden, FastShiftIsTheWeightErrorTimesTheMeanInput) {
  for (const Json& golden : golden_cases("bias_cle.json", "correction")) {
    const std::int64_t outputs = std::ssize(golden["weights"]);
    const std::int64_t inputs = std::ssize(golden["weights"][0]);
    Sketch sketch(13);
    sketch.input("x", {std::ssize(golden["inputs"]), inputs}).constant("w", tensor_of(golden["weights"], {outputs, inputs}));
    sketch.constant("b", tensor_of(Json::array({golden["bias"]}), {outputs}));
    const Model model =
        prepare_float_model(sketch.node("Gemm", {"x", "w", "b"}, {"y"}, {attribute("transB", std::int64_t{1})}).output("y").model());
    CalibrationSamples samples = random_samples(model, 1);
    samples.feed = [&](std::int64_t) { return std::vector{tensor_of(golden["inputs"], {std::ssize(golden["inputs"]), inputs})}; };
    StageRemarks remarks;
    const Config config = parse_config("bias_correction() + rtn(bits=" + golden["bits"].dump() + ",group_size=-1)");
    const Model corrected = correct_biases(model, config, {}, {}, samples, remarks).model;
    expect_near(weights_of(corrected, "n_y", 2), golden["bias_fast"]);
    EXPECT_THAT(remarks.at("n_y").at(0), HasSubstr("bias corrected"));
  }
}

TEST(BiasCorrection, LayersWithoutABiasGetOne) {
  Sketch sketch(13);
  sketch.input("x", {1, 4, 6}).constant("w", numbers({6, 5}, 1)).constant("v", numbers({5, 3}, 2));
  const Model model = prepare_float_model(sketch.node("MatMul", {"x", "w"}, {"a"}).node("MatMul", {"a", "v"}, {"y"}).output("y").model());
  for (const char* text : {"bias_correction(mode=full) + rtn(bits=2,group_size=-1)", "bias_correction() + static_int8()"}) {
    StageRemarks remarks;
    const Config config = parse_config(text);
    const CorrectedModel corrected = correct_biases(model, config, statistics_for(model.graph), {}, random_samples(model, 8), remarks);
    verify(corrected.model.graph);
    EXPECT_EQ(corrected.model.graph.nodes.size(), 4U) << text;
    EXPECT_TRUE(quantizes_anything(convert(corrected.model, config, corrected.statistics))) << text;
  }
}

}  // namespace
}  // namespace titrate::engine
