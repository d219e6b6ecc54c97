// What each target's description makes of small graphs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/quant/targets/read_target.hpp"
#include "tests/engine/quant/quantized_sketch.hpp"

namespace titrate::engine {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

Sketch begun() {
  Sketch sketch(13);
  sketch.input("x", {1, 4, 8, 8});
  return sketch;
}

Sketch& conv(Sketch& sketch, const std::string& input, const std::string& output, std::int64_t inputs = 4) {
  sketch.constant(output + "_w", numbers({4, inputs, 1, 1}, static_cast<std::uint32_t>(output[0])));
  sketch.constant(output + "_b", numbers({4}, static_cast<std::uint32_t>(output[0]) + 7));
  return sketch.node("Conv", {input, output + "_w", output + "_b"}, {output});
}

Model conv_relu_conv() {
  Sketch sketch = begun();
  conv(sketch, "x", "a").node("Relu", {"a"}, {"r"});
  return conv(sketch, "r", "y").output("y").model();
}

// r = Relu(conv(x)), s = r + conv(r), t = Relu(s), y = conv(t).
Model residual() {
  Sketch sketch = begun();
  conv(sketch, "x", "a").node("Relu", {"a"}, {"r"});
  conv(sketch, "r", "c").node("Add", {"r", "c"}, {"s"}).node("Relu", {"s"}, {"t"});
  return conv(sketch, "t", "y").output("y").model();
}

Model two_branches() {
  Sketch sketch = begun();
  conv(sketch, "x", "a");
  conv(sketch, "x", "b").node("Concat", {"a", "b"}, {"both"}, {one("axis", 1)});
  return conv(sketch, "both", "y", 8).output("y").model();
}

/// The type of the codes behind the DequantizeLinear in front of an input, or "float".
std::string codes_of(const Conversion& conversion, const std::string& node, std::size_t input) {
  const Graph& graph = conversion.model.graph;
  const int producer = Uses(graph).producer(node_named(conversion.model, node).inputs.at(input));
  if (producer < 0 || graph.nodes[static_cast<std::size_t>(producer)].type != "DequantizeLinear") return "float";
  const Tensor* zero_point = graph.constant_input(graph.nodes[static_cast<std::size_t>(producer)], 2);
  return std::string(name_of(zero_point->type()));
}

TEST(TargetOnnxruntime, IsTheDefault) {
  const Conversion named = converted(residual(), "static_int8()", {}, WeightForm::qdq, find_target("onnxruntime"));
  const Conversion plain = converted(residual(), "static_int8()");
  EXPECT_EQ(named.model.graph.nodes.size(), plain.model.graph.nodes.size());
  EXPECT_EQ(codes_of(named, "n_a", 0), "uint8");
  EXPECT_EQ(codes_of(named, "n_a", 2), "int32");
  EXPECT_THAT(placed(residual(), "static_int8()").names(), UnorderedElementsAre("x", "r", "c", "t", "y"));
}

TEST(TargetOpenvino, UnifiesTheScalesOfAConcat) {
  const Ranges ranges = {{"a", {-1.0F, 1.0F}}, {"b", {-2.0F, 3.0F}}, {"both", {-2.0F, 3.0F}}};
  const NamedPlacement placement = placed(two_branches(), "static_int8()", ranges, find_target("openvino"));
  EXPECT_THAT(placement.names(), UnorderedElementsAre("x", "a", "b", "both")) << "the last convolution gives floats";
  EXPECT_EQ(placement.parameters("a"), placement.parameters("both"));
  EXPECT_EQ(placement.parameters("b"), asymmetric_parameters(-2, 3, unsigned_range(8)));
}

TEST(TargetOpenvino, TakesSymmetricWeightsAndFloatBiases) {
  const Conversion conversion = converted(conv_relu_conv(), "static_int8(weight_sym=false)", {}, WeightForm::qdq, find_target("openvino"));
  EXPECT_EQ(codes_of(conversion, "n_a", 0), "uint8");
  EXPECT_EQ(codes_of(conversion, "n_a", 1), "int8");
  EXPECT_EQ(codes_of(conversion, "n_a", 2), "float");
  EXPECT_EQ(decision_of(conversion, "n_a").scheme, "static_int8()");
  EXPECT_THAT(decision_of(conversion, "n_a").reason, HasSubstr("for the target openvino: weights are int8 and symmetric"));
  const NamedPlacement symmetric = placed(conv_relu_conv(), "static_int8(act_sym=true)", {}, find_target("openvino"));
  EXPECT_THAT(symmetric.before_activation, IsEmpty()) << "a Relu belongs to its convolution";
}

TEST(TargetTensorrt, TakesSymmetricInt8WithoutBiasCodes) {
  const Target target = find_target("tensorrt");
  const Conversion conversion = converted(conv_relu_conv(), "static_int8()", {}, WeightForm::qdq, target);
  for (const std::string node : {"n_a", "n_y"}) {
    EXPECT_EQ(codes_of(conversion, node, 0), "int8") << node;
    EXPECT_EQ(codes_of(conversion, node, 1), "int8") << node;
    EXPECT_EQ(codes_of(conversion, node, 2), "float") << node;
    EXPECT_EQ(decision_of(conversion, node).scheme, "static_int8(act=s8,act_sym=true)");
  }
  const NamedPlacement placement = placed(conv_relu_conv(), "static_int8()", {{"r", {0.0F, 2.0F}}}, target);
  EXPECT_THAT(placement.names(), UnorderedElementsAre("x", "r")) << "nobody wants the codes of y";
  EXPECT_EQ(placement.parameters("r"), (AffineParameters{2.0F / 127, 0}));
  EXPECT_THAT(placement.before_activation, IsEmpty());
}

TEST(TargetTensorrt, QuantizesOneInputOfAResidualAddition) {
  const Target target = find_target("tensorrt");
  EXPECT_THAT(placed(residual(), "static_int8()", {}, target).names(), UnorderedElementsAre("x", "r", "t"));
  const Conversion conversion = converted(residual(), "static_int8()", {}, WeightForm::qdq, target);
  EXPECT_EQ(codes_of(conversion, "n_s", 0), "int8");
  EXPECT_EQ(codes_of(conversion, "n_s", 1), "float") << "the sum stays in the accumulator";
  EXPECT_EQ(placed(residual(), "static_int8()", {}, target).quantized.at("r").type, DataType::int8) << "two readers, and still int8";
}

TEST(TargetTensorrt, RefusesWhatItCannotStore) {
  Sketch sketch(13);
  sketch.input("x", {4, 32}).constant("w", numbers({32, 8}));
  const Model model = sketch.node("MatMul", {"x", "w"}, {"y"}).output("y").model();
  const Target target = find_target("tensorrt");
  const auto refusal = [&](const std::string& config) -> std::string {
    try {
      (void)converted(model, config, {}, WeightForm::qdq, target);
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_THAT(refusal("dynamic_int8()"), HasSubstr("no pattern with scales found in each run for MatMul"));
  EXPECT_THAT(refusal("rtn(bits=2)"), HasSubstr("takes no int2 weights"));
  EXPECT_THAT(refusal("fp8(format=e5m2)"), HasSubstr("no pattern with float8e5m2"));
  const Conversion conversion = converted(model, "rtn(bits=4,sym=false)", {}, WeightForm::qdq, target);
  EXPECT_EQ(decision_of(conversion, "n_y").scheme, "rtn(group_size=-1)");
  EXPECT_THAT(decision_of(conversion, "n_y").reason, HasSubstr("weights are symmetric"));
}

TEST(TargetAny, IsWhatAllOfThemRun) {
  const Target target = find_target("any");
  const NamedPlacement placement = placed(residual(), "static_int8()", {}, target);
  EXPECT_THAT(placement.names(), UnorderedElementsAre("x", "r", "c", "t", "y")) << "both inputs of the Add, and each convolution's output";
  EXPECT_TRUE(placement.before_activation.contains("a")) << "codes below 0 leave the Relu to do";
  for (const auto& [name, quantizer] : placement.quantized) {
    EXPECT_EQ(quantizer.type, DataType::int8) << name;
    EXPECT_EQ(quantizer.parameters.zero_point, 0) << name;
  }
  const Conversion conversion = converted(residual(), "static_int8()", {}, WeightForm::qdq, target);
  EXPECT_EQ(codes_of(conversion, "n_a", 2), "float");
  const NamedPlacement concat = placed(two_branches(), "static_int8()", {{"b", {-2.0F, 3.0F}}, {"both", {-2.0F, 3.0F}}}, target);
  EXPECT_EQ(concat.parameters("a"), concat.parameters("b"));
}

// Only int8, symmetric, one scale a tensor; a convolution only together with its Relu; the scale of a Sigmoid is fixed.
constexpr std::string_view npu_description = R"({
  "schema": 1, "name": "npu", "load_failures": ["type", "zero_point", "parameters"],
  "patterns": [
    {"operators": ["Conv", "Relu"],
     "input": {"types": ["int8"], "symmetric": true},
     "weights": {"types": ["int8"], "granularity": ["tensor"], "symmetric": true},
     "bias": {"types": ["int32"], "scale": "input*weights"},
     "output": {"types": ["int8"], "symmetric": true, "quantized": "always", "least_scale": 0.015625}},
    {"operators": ["Sigmoid"],
     "input": {"types": ["int8"], "symmetric": true},
     "output": {"types": ["int8"], "symmetric": true, "fixed": [{"type": "int8", "scale": 0.0078125, "zero_point": 0}]}}
  ]})";

TEST(TargetOfAUser, IsObeyed) {
  const Target npu = read_target(npu_description, "npu.json");
  Sketch sketch = begun();
  conv(sketch, "x", "a").node("Relu", {"a"}, {"r"}).node("Sigmoid", {"r"}, {"g"});
  conv(sketch, "g", "b").node("Relu", {"b"}, {"s"});
  const Model model = conv(sketch, "s", "y").output("y").model();
  const Ranges ranges = {{"r", {0.0F, 8.0F}}, {"g", {0.0F, 5.0F}}, {"s", {0.0F, 0.5F}}};
  const NamedPlacement placement = placed(model, "static_int8()", ranges, npu);
  EXPECT_THAT(placement.names(), UnorderedElementsAre("x", "r", "g", "s"));
  EXPECT_THAT(placement.before_activation, IsEmpty()) << "the Relu is part of the convolution";
  EXPECT_EQ(placement.parameters("r"), (AffineParameters{8.0F / 127, 0}));
  EXPECT_EQ(placement.parameters("g"), (AffineParameters{0.0078125F, 0})) << "fixed, whatever the data say";
  EXPECT_EQ(placement.parameters("s"), (AffineParameters{0.015625F, 0})) << "not below the least scale";
  EXPECT_THAT(placement.remarks.at("n_b"), HasSubstr("the target npu fixes the scale of 'g'"));
  const Conversion conversion = converted(model, "static_int8()", ranges, WeightForm::qdq, npu);
  EXPECT_EQ(decision_of(conversion, "n_a").scheme, "static_int8(act=s8,act_sym=true,per_channel=false)");
  EXPECT_EQ(decision_of(conversion, "n_y").scheme, "float");
  EXPECT_EQ(decision_of(conversion, "n_y").reason, "the target npu has no pattern on integers for Conv") << "no Relu behind it";
  EXPECT_EQ(constant_named(conversion.model, "a_w_scale").elements(), 1);
  EXPECT_EQ(codes_of(conversion, "n_a", 2), "int32");
}

TEST(TargetWith16BitSums, NarrowsOnlyWeightsThatCanSaturate) {
  const Target target = read_target(R"({"schema": 1, "name": "old x86", "extends": "onnxruntime", "pair_sum_bits": 16})", "old.json");
  Sketch sketch = begun();
  // Opposite signs: no pair of the first layer adds up; of the second all do.
  std::vector<float> small(16, 0.0F);
  for (std::size_t index = 0; index < 16; ++index) small[index] = index % 2 == 0 ? 1.0F : -1.0F;
  sketch.constant("a_w", Tensor::of<float>({4, 4, 1, 1}, small)).node("Conv", {"x", "a_w"}, {"a"});
  sketch.constant("y_w", Tensor::of<float>({4, 4, 1, 1}, std::vector<float>(16, 1.0F)));
  const Model model = sketch.node("Conv", {"a", "y_w"}, {"y"}).output("y").model();
  const Conversion conversion = converted(model, "static_int8()", {}, WeightForm::qdq, target);
  EXPECT_EQ(decision_of(conversion, "n_a").reason, "");
  EXPECT_THAT(decision_of(conversion, "n_y").reason, AllOf(HasSubstr("weights of 7 bits"), HasSubstr("old x86")));
  EXPECT_EQ(to_doubles(constant_named(conversion.model, "a_w_quantized"))[0], 127);
  EXPECT_EQ(to_doubles(constant_named(conversion.model, "y_w_quantized"))[0], 64);
}

}  // namespace
}  // namespace titrate::engine
