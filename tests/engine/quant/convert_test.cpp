// Whole conversions of small graphs: decisions, biases, names, opsets.
#include "engine/quant/convert.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "engine/base/text.hpp"
#include "engine/onnx/read.hpp"
#include "engine/onnx/write.hpp"
#include "engine/quant/assignment.hpp"
#include "engine/quant/integer_weights.hpp"
#include "tests/engine/quant/quantized_sketch.hpp"
#include "tests/engine/quant/random_weights.hpp"

namespace titrate::engine {
namespace {

using testing::Each;
using testing::HasSubstr;

Sketch& conv(Sketch& sketch, const std::string& input, const std::string& output) {
  sketch.constant(output + "_w", numbers({4, 4, 1, 1}, static_cast<std::uint32_t>(output[0])));
  return sketch.node("Conv", {input, output + "_w"}, {output});
}

// Three convolutions; between the first two a Relu and, if `pooled`, a MaxPool.
Model three_convs(bool pooled = false) {
  Sketch sketch(13);
  sketch.input("x", {1, 4, 8, 8});
  conv(sketch, "x", "a").node("Relu", {"a"}, {"r"});
  if (pooled) sketch.node("MaxPool", {"r"}, {"m"}, {ints("kernel_shape", {3, 3})});
  conv(sketch, pooled ? "m" : "r", "b").node("Relu", {"b"}, {"s"});
  return conv(sketch, "s", "y").output("y").model();
}

double relative_error(const Tensor& expected, const Tensor& found) {
  double signal = 0;
  double noise = 0;
  for (std::size_t index = 0; index < expected.data<float>().size(); ++index) {
    const auto element = static_cast<double>(expected.data<float>()[index]);
    signal += element * element;
    noise += std::pow(element - static_cast<double>(found.data<float>()[index]), 2);
  }
  return std::sqrt(noise / signal);
}

TEST(Convert, KeepsTheNameOfAQuantizedGraphOutput) {
  const Conversion conversion = converted(three_convs(), "static_int8()");
  const Graph& graph = conversion.model.graph;
  EXPECT_EQ(graph[graph.outputs.at(0)].name, "y");
  const int producer = Uses(graph).producer(graph.outputs[0]);
  EXPECT_EQ(graph.nodes[static_cast<std::size_t>(producer)].type, "DequantizeLinear");
}

TEST(Convert, ShieldsAFloatNodeBetweenIntegerNodes) {
  for (const bool pooled : {false, true}) {
    for (const std::string own : {"float", "rtn(bits=8,group_size=-1)"}) {
      const Conversion conversion = converted(three_convs(pooled), "static_int8() | name:n_b = " + own);
      EXPECT_EQ(source_type(conversion.model, node_named(conversion.model, "n_b"), 0), "Max") << pooled << own;
      EXPECT_NE(source_type(conversion.model, node_named(conversion.model, "n_y"), 0), "Max") << pooled << own;
    }
  }
  const Conversion first = converted(three_convs(), "static_int8() | name:n_a = float");
  EXPECT_EQ(source_type(first.model, node_named(first.model, "n_a"), 0), "") << "it reads the float graph input";
}

// Gemm computes alpha * x W + beta * c: the stored form has neither.
TEST(Convert, BringsAlphaAndBetaIntoTheWeights) {
  Sketch sketch(13);
  sketch.input("x", {4, 16}).constant("w", numbers({16, 8})).constant("c", numbers({8}, 2));
  const Model model = sketch.node("Gemm", {"x", "w", "c"}, {"y"}, {real("alpha", 0.5F), real("beta", 2.0F)}).output("y").model();
  const Tensor input = numbers({4, 16}, 3);
  for (const std::string config : {"static_int8()", "dynamic_int8()", "rtn(bits=8)"}) {
    const Conversion conversion = converted(model, config);
    EXPECT_LT(relative_error(run_once(model, {input}).at(0), run_once(conversion.model, {input}).at(0)), 0.02) << config;
  }
}

Model matmul_add(const Tensor& bias) {
  Sketch sketch(13);
  sketch.input("x", {2, 16}).constant("w", numbers({16, 3})).constant("c", bias);
  return sketch.node("MatMul", {"x", "w"}, {"m"}).node("Add", {"m", "c"}, {"y"}).output("y").model();
}

// A bias of one number crashed other tools (anchors: fault 2).
TEST(Convert, MakesAGemmOfAProductAndItsBias) {
  const Tensor input = numbers({2, 16}, 3);
  for (const Shape& shape : {Shape{3}, Shape{1, 3}, Shape{1}, Shape{1, 1}, Shape{}}) {
    SCOPED_TRACE(to_text(shape));
    const Model model = matmul_add(numbers(shape, 8));
    const Conversion conversion = converted(model, "static_int8()");
    EXPECT_EQ(node_named(conversion.model, "n_m").type, "Gemm");
    EXPECT_EQ(conversion.model.graph.find_node("n_y"), nullptr);
    EXPECT_EQ(decision_of(conversion, "n_m").scheme, "static_int8()");
    EXPECT_LT(relative_error(run_once(model, {input}).at(0), run_once(conversion.model, {input}).at(0)), 0.02);
  }
  for (const Shape& shape : {Shape{2, 1}, Shape{1, 1, 3}}) {
    const Conversion conversion = converted(matmul_add(numbers(shape, 8)), "static_int8()");
    EXPECT_EQ(node_named(conversion.model, "n_m").type, "MatMul") << to_text(shape);
  }
  EXPECT_EQ(node_named(converted(matmul_add(numbers({3}, 8)), "rtn()").model, "n_m").type, "MatMul");
}

Model gemm_with_bias(const Tensor& bias) {
  Sketch sketch(13);
  sketch.input("x", {2, 16}).constant("w", numbers({16, 3})).constant("c", bias);
  return sketch.node("Gemm", {"x", "w", "c"}, {"y"}).output("y").model();
}

// Per channel with a bias of size 1 (anchors: fault 2).
TEST(Convert, TakesAGemmBiasOfOneNumber) {
  const Tensor input = numbers({2, 16}, 3);
  for (const Shape& shape : {Shape{1}, Shape{1, 1}, Shape{}}) {
    const Model model = gemm_with_bias(numbers(shape, 8));
    const Conversion conversion = converted(model, "static_int8()");
    EXPECT_EQ(constant_named(conversion.model, "c_quantized").shape(), Shape{3});
    EXPECT_LT(relative_error(run_once(model, {input}).at(0), run_once(conversion.model, {input}).at(0)), 0.02);
  }
}

// Input of the DequantizeLinear that makes the bias: 0 codes, 1 scale, 2 zero point.
const Tensor& stored_bias(const Model& model, std::size_t input) {
  const int producer = Uses(model.graph).producer(node_named(model, "n_y").inputs.at(2));
  return *model.graph.constant_input(model.graph.nodes.at(static_cast<std::size_t>(producer)), input);
}

TEST(Convert, GivesTheBiasTheScaleOfTheProducts) {
  const Conversion conversion = converted(gemm_with_bias(numbers({3}, 8)), "static_int8()");
  const float input_scale = asymmetric_parameters(-1, 1, unsigned_range(8)).scale;
  const auto weight_scales = constant_named(conversion.model, "w_scale").data<float>();
  const auto bias_scales = stored_bias(conversion.model, 1).data<float>();
  const auto codes = stored_bias(conversion.model, 0).data<std::int32_t>();
  const Tensor bias = numbers({3}, 8);
  for (std::size_t channel = 0; channel < 3; ++channel) {
    EXPECT_EQ(bias_scales[channel], input_scale * weight_scales[channel]);
    EXPECT_EQ(codes[channel], quantize_bias(bias.data<float>()[channel], bias_scales[channel]));
  }
  EXPECT_THAT(to_doubles(stored_bias(conversion.model, 2)), Each(0.0));
}

TEST(Convert, SaysThatSixteenBitsComputeInFloat) {
  const Conversion conversion = converted(three_convs(), "static_int8(act=s16)");
  EXPECT_EQ(conversion.model.opset(), 21);
  for (const NodeDecision& decision : conversion.decisions) EXPECT_THAT(decision.reason, HasSubstr("activations of 16 bits"));
  EXPECT_EQ(constant_named(conversion.model, "x_zero_point").type(), DataType::int16);
  EXPECT_EQ(constant_named(conversion.model, "a_w_quantized").type(), DataType::int8);
}

TEST(Convert, EnlargesWeightScalesWhereABiasWouldOverflow) {
  for (const bool per_channel : {true, false}) {
    const Tensor bias = Tensor::of<float>({3}, {1e7F, -1.0F, 0.0F});
    const Conversion conversion =
        converted(gemm_with_bias(bias), per_channel ? "static_int8()" : "static_int8(per_channel=false)", {{"x", {-1e-3F, 1e-3F}}});
    const auto scales = stored_bias(conversion.model, 1).data<float>();
    const auto codes = stored_bias(conversion.model, 0).data<std::int32_t>();
    EXPECT_LE(std::abs(codes[0]), (1 << 30) + 64);
    EXPECT_NEAR(static_cast<float>(codes[0]) * scales[0], 1e7F, 10);
    EXPECT_THAT(decision_of(conversion, "n_y").reason, HasSubstr("bias"));
  }
}

// Scales near the least float: everything stays positive and finite.
TEST(Convert, SurvivesTinyScales) {
  Sketch sketch(13);
  sketch.input("x", {2, 16}).constant("w", numbers({16, 3}, 1, 1e-36F)).constant("c", Tensor::of<float>({3}, {0.0F, 1e-37F, 10.0F}));
  const Model model = sketch.node("Gemm", {"x", "w", "c"}, {"y"}).output("y").model();
  const Conversion conversion = converted(model, "static_int8()", {{"x", {0.0F, 4e-36F}}});
  for (const Value& value : conversion.model.graph.values) {
    if (!value.constant || value.name.find("_scale") == std::string::npos) continue;
    for (const float scale : value.constant->data<float>()) EXPECT_TRUE(scale > 0 && std::isfinite(scale)) << value.name << " " << scale;
  }
}

TEST(IntegerWeights, ShareOneZeroPointWhenAsymmetric) {
  WeightMatrix weights = random_weights(Distribution::gauss, 6, 50);
  for (std::size_t index = 0; index < weights.elements.size(); ++index) weights.elements[index] += index < 150 ? 1.0F : -0.2F;
  const QuantizedMatrix quantized = quantize_integer_weights(weights, {.per_channel = true, .symmetric = false});
  EXPECT_THAT(quantized.zero_points, Each(quantized.zero_points.at(0)));
  EXPECT_EQ(quantized.scales.size(), 6U);
  // No element is clipped by more than the rounding of its end.
  for (std::int64_t row = 0; row < weights.rows; ++row) {
    for (std::int64_t column = 0; column < weights.columns; ++column)
      EXPECT_NEAR(quantized.dequantized(row, column), weights.row(row)[static_cast<std::size_t>(column)],
                  0.501F * quantized.parameters(row, column).scale);
  }
}

TEST(IntegerWeights, LeaveRoomForPairSumsWithReducedRange) {
  const WeightMatrix weights = random_weights(Distribution::gauss, 4, 64);
  for (const bool symmetric : {true, false}) {
    const QuantizedMatrix quantized =
        quantize_integer_weights(weights, {.per_channel = true, .symmetric = symmetric, .reduce_range = true});
    for (const std::int16_t code : quantized.codes) EXPECT_TRUE(symmetric ? std::abs(code) <= 64 : code >= 0 && code <= 127) << code;
  }
}

// "Success" with nothing quantized (anchors: fault 8).
TEST(Convert, RefusesToQuantizeNothing) {
  try {
    (void)converted(three_convs(), "dynamic_int8() | name:n_a = float");
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid);
    EXPECT_THAT(error.what(), HasSubstr("n_a: the config leaves it float"));
    EXPECT_THAT(error.what(), HasSubstr("n_b: dynamic_int8 is for MatMul and Gemm, not for Conv"));
  }
  const Model no_weights = Sketch(13).input("x", {2}).node("Relu", {"x"}, {"y"}).output("y").model();
  EXPECT_THROW((void)converted(no_weights, "rtn()"), Error);
}

TEST(Convert, DecidesOnceForEveryNodeWithWeights) {
  Sketch sketch(13);
  sketch.input("x", {1, 4, 8, 8});
  conv(sketch, "x", "a").constant("t_w", numbers({4, 4, 2, 2})).node("ConvTranspose", {"a", "t_w"}, {"t"});
  sketch.node("GlobalAveragePool", {"t"}, {"g"}).node("Flatten", {"g"}, {"f"});
  sketch.constant("p_w", numbers({4, 4})).node("MatMul", {"f", "p_w"}, {"p"});
  sketch.node("Transpose", {"p"}, {"o"}).node("MatMul", {"p", "o"}, {"q"});
  sketch.constant("y_w", numbers({1, 2})).node("Gemm", {"q", "y_w"}, {"y"});
  Model model = sketch.output("y").model();
  for (const std::string config : {"rtn()", "static_int8()", "dynamic_int8()", "fp8()"}) {
    const Model prepared = prepare_float_model(model);
    std::vector<std::string> names;
    for (const Assignment& each : assign(prepared.graph, parse_config(config))) {
      names.push_back(each.decision.name);
      EXPECT_TRUE(each.decision.scheme != "float" || !each.decision.reason.empty()) << each.decision.name;
    }
    EXPECT_THAT(names, testing::ElementsAre("n_a", "n_t", "n_p", "n_q", "n_y")) << config;
  }
}

TEST(AssignmentKey, IsEqualWhereOneGroupHoldsTheWholeRow) {
  const Model prepared = prepare_float_model(gemm_with_bias(numbers({3}, 8)));
  const auto key = [&](const std::string& text) {
    const Config config = parse_config(text);
    return assignment_key(assign(prepared.graph, config), config);
  };
  EXPECT_NE(key("equalize() + rtn()"), key("rtn()"));
  EXPECT_NE(key("smoothquant() + static_int8()"), key("smoothquant(alpha=0.7) + static_int8()"));
  EXPECT_EQ(key("rtn(group_size=128)"), key("rtn(group_size=-1)"));
  EXPECT_EQ(key("rtn(group_size=16)"), key("rtn(group_size=-1)"));
  EXPECT_NE(key("rtn(group_size=0)"), key("rtn(group_size=-1)"));
  EXPECT_EQ(key("rtn() | type:Conv = float"), key("rtn()"));
  EXPECT_NE(key("rtn() | type:Gemm = float"), key("rtn()"));
}

// Only raising the number leaves Clip's bounds and Squeeze's axes as attributes: an invalid model (anchors: fault 1).
TEST(Convert, RaisesOldOpsetsForReal) {
  Sketch sketch(7);
  sketch.input("x", {1, 4, 8, 8});
  conv(sketch, "x", "a").node("Clip", {"a"}, {"c"}, {real("min", 0.0F), real("max", 6.0F)});
  conv(sketch, "c", "b").node("GlobalAveragePool", {"b"}, {"g"}).node("Squeeze", {"g"}, {"y"}, {ints("axes", {2, 3})});
  const Model model = sketch.output("y").model();
  const Tensor input = numbers({1, 4, 8, 8}, 3);
  const Tensor expected = run_once(model, {input}).at(0);
  for (const std::string config :
       {"static_int8()", "rtn(bits=8,group_size=-1)", "rtn(bits=8,sym=false,group_size=16)", "fp8(weights_only=true)"}) {
    const Conversion conversion = converted(model, config, {{"b", {-10.0F, 10.0F}}, {"c", {0.0F, 6.0F}}, {"g", {-10.0F, 10.0F}}});
    EXPECT_GE(conversion.model.opset(), 13) << config;
    EXPECT_EQ(node_named(conversion.model, "n_y").find("axes"), nullptr) << config;
    EXPECT_EQ(node_named(conversion.model, "n_y").inputs.size(), 2U) << config;
    EXPECT_LT(relative_error(expected, run_once(conversion.model, {input}).at(0)), 0.1) << config;
  }
}

TEST(Convert, RaisesARealOldModel) {
  const std::filesystem::path path = std::string(TITRATE_SHARED_DIR) + "/models/m1_mnist_cnn/model.onnx";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "needs " << path;
  const Model model = read_model(path);
  ASSERT_LT(model.opset(), 11);
  const Conversion conversion = converted(model, "rtn(bits=8)");
  EXPECT_GE(conversion.model.opset(), 21);
  const Tensor input = numbers({1, 1, 28, 28}, 3, 128.0F);
  EXPECT_LT(relative_error(run_once(model, {input}).at(0), run_once(conversion.model, {input}).at(0)), 0.05);
}

// Nodes without names (anchors: fault 2).
TEST(Convert, NamesNodesThatHaveNone) {
  Model model = three_convs();
  for (Node& node : model.graph.nodes) node.name.clear();
  const std::vector<std::byte> bytes = write_model(model);
  const Conversion conversion = converted(read_model(bytes, nullptr, {}), "static_int8()");
  ASSERT_EQ(conversion.decisions.size(), 3U);
  for (const NodeDecision& decision : conversion.decisions) EXPECT_EQ(decision.scheme, "static_int8()") << decision.name;
  EXPECT_NE(conversion.decisions[0].name, conversion.decisions[1].name);
}

}  // namespace
}  // namespace titrate::engine
