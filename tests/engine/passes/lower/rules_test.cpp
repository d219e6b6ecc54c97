// Which patterns become integer operators, and what is said of those that do not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/base/error.hpp"
#include "engine/ops/operator.hpp"
#include "engine/passes/lower/table.hpp"
#include "engine/quant/integer_rules.hpp"
#include "tests/engine/passes/lower/qdq_sketch.hpp"

namespace titrate::engine {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const Parameters other{.scale = 0.05F, .zero_point = 3, .type = DataType::uint8};

QdqSketch with_input(const Shape& shape = {1, 4, 6, 6}, int opset = 13, const Parameters& parameters = {}) {
  QdqSketch sketch(opset);
  sketch.input("x", shape);
  sketch.pair("x", "xd", parameters);
  return sketch;
}

/// The sketch's value `y` quantized and dequantized as the output.
Model finished(QdqSketch& sketch, const Parameters& parameters = other) {
  sketch.pair("y", "out", parameters);
  sketch.output("out");
  return sketch.model();
}

QdqSketch with_weights() {
  QdqSketch sketch = with_input();
  sketch.weights("w", random_codes({8, 4, 3, 3}, DataType::int8), {0.01F});
  return sketch;
}

TEST(LowerConv, BecomesQLinearConvBetweenOneQuantizerAtEachEnd) {
  QdqSketch sketch = with_weights();
  sketch.bias("b", {1, 2, 3, 4, 5, 6, 7, 8}, std::vector<float>(8, 0.02F * 0.01F));
  sketch.node("Conv", {"xd", "w", "b"}, {"y"}, {ints("pads", {1, 1, 1, 1})});
  const Lowered result = lowered(finished(sketch));
  EXPECT_THAT(result.types(), ElementsAre("QuantizeLinear", "QLinearConv", "DequantizeLinear"));
  const Node& node = *result.model.graph.find_node("n_y");
  EXPECT_EQ(node.inputs.size(), 9U);
  EXPECT_EQ(node.integers("pads"), (std::vector<std::int64_t>{1, 1, 1, 1}));
  EXPECT_EQ(result.model.graph.constant_input(node, 8)->data<std::int32_t>()[7], 8);
  EXPECT_TRUE(result.of("y").integer);
  EXPECT_EQ(result.of("y").multiply_accumulates, 8 * 6 * 6 * 4 * 9);
  EXPECT_EQ(result.report.integer_coverage(), 1.0);
}

TEST(LowerConv, QuantizesAFloatBias) {
  QdqSketch sketch = with_weights();
  sketch.constant("b", floats({1, -1, 0.5F, 0, 0, 0, 0, 2}));
  sketch.node("Conv", {"xd", "w", "b"}, {"y"});
  const Lowered result = lowered(finished(sketch));
  const Node& node = *result.model.graph.find_node("n_y");
  ASSERT_EQ(node.inputs.size(), 9U);
  EXPECT_THAT(to_integers(*result.model.graph.constant_input(node, 8)), ElementsAre(5000, -5000, 2500, 0, 0, 0, 0, 10000));
}

TEST(LowerConv, SaysWhichRuleFailed) {
  const auto reason = [](QdqSketch sketch, const std::vector<std::string>& inputs = {"xd", "w"}, const Parameters& parameters = other) {
    sketch.node("Conv", inputs, {"y"});
    return lowered(finished(sketch, parameters)).reason("y");
  };
  EXPECT_EQ(reason(with_weights()), "integer");
  EXPECT_EQ(reason(with_weights(), {"x", "w"}), "its input 'x' is not quantized");
  {
    QdqSketch sketch = with_weights();
    sketch.node("Abs", {"xd"}, {"a"});
    EXPECT_EQ(reason(sketch, {"a", "w"}), "no DequantizeLinear in front of it: its input 'a' is made by 'n_a' (Abs)");
  }
  {
    QdqSketch sketch = with_weights();
    sketch.constant("f", numbers({8, 4, 3, 3}));
    EXPECT_EQ(reason(sketch, {"xd", "f"}), "its weights are float");
  }
  {
    QdqSketch sketch = with_weights();
    sketch.weights("v", random_codes({8, 4, 3, 3}, DataType::int8), std::vector<float>(4, 0.01F), 1);
    EXPECT_EQ(reason(sketch, {"xd", "v"}), "its weight scales run along axis 1, not along the output channels, axis 0");
  }
  {
    QdqSketch sketch = with_weights();
    sketch.bias("b", {1, 2, 3, 4, 5, 6, 7, 8}, std::vector<float>(8, 0.1F));
    EXPECT_THAT(reason(sketch, {"xd", "w", "b"}), HasSubstr("its bias has the scale 0.1"));
  }
  EXPECT_EQ(reason(with_input({1, 4, 6, 6}, 21, {.scale = 0.1F, .zero_point = 0, .type = DataType::uint16})
                       .weights("w", random_codes({8, 4, 3, 3}, DataType::int8), {0.01F})),
            "16-bit activations");
}

TEST(LowerConv, WantsOneWeightZeroPoint) {
  QdqSketch sketch = with_input();
  sketch.constant("c", random_codes({2, 4, 1, 1}, DataType::uint8)).constant("s", floats({0.1F, 0.1F}));
  sketch.constant("z", codes({2}, {127, 128}, DataType::uint8));
  sketch.node("DequantizeLinear", {"c", "s", "z"}, {"w"}, {one("axis", 0)}).node("Conv", {"xd", "w"}, {"y"});
  EXPECT_EQ(lowered(finished(sketch)).reason("y"), "its weight zero points differ by channel");
}

TEST(LowerConv, NeedsAQuantizerOfItsOwnBehindIt) {
  const auto reason = [](const auto& extend) {
    QdqSketch sketch = with_weights();
    sketch.node("Conv", {"xd", "w"}, {"y"});
    extend(sketch);
    return lowered(sketch.model()).reason("y");
  };
  EXPECT_EQ(reason([](QdqSketch& sketch) { sketch.output("y"); }), "no QuantizeLinear behind it: its output is an output of the model");
  EXPECT_EQ(reason([](QdqSketch& sketch) { sketch.node("Abs", {"y"}, {"z"}).output("z"); }),
            "no QuantizeLinear behind it: its output is read by 'n_z' (Abs)");
  EXPECT_EQ(reason([](QdqSketch& sketch) { sketch.pair("y", "d").node("Abs", {"y"}, {"z"}).output("z").output("d"); }),
            "no QuantizeLinear behind it: its output is also read by 'n_z' (Abs)");
  EXPECT_EQ(reason([](QdqSketch& sketch) { sketch.pair("y", "d").pair("y", "e").output("d").output("e"); }),
            "several QuantizeLinear read its output");
}

TEST(LowerActivation, IsAbsorbedWhereTheQuantizerCutsOffAsMuch) {
  const auto run = [](const std::string& type, const std::vector<float>& bounds, const Parameters& parameters) {
    QdqSketch sketch = with_weights();
    sketch.node("Conv", {"xd", "w"}, {"c"});
    std::vector<std::string> inputs{"c"};
    for (const float bound : bounds) {
      inputs.push_back("bound" + std::to_string(inputs.size()));
      sketch.constant(inputs.back(), Tensor::scalar(bound));
    }
    sketch.node(type, inputs, {"y"});
    return lowered(finished(sketch, parameters));
  };
  const Lowered relu = run("Relu", {}, {.scale = 0.1F, .zero_point = 0, .type = DataType::uint8});
  EXPECT_THAT(relu.types(), ElementsAre("QuantizeLinear", "QLinearConv", "DequantizeLinear"));
  EXPECT_TRUE(relu.of("y").integer);
  EXPECT_EQ(run("Relu", {}, {.scale = 0.1F, .zero_point = -128, .type = DataType::int8}).reason("c"), "integer");
  EXPECT_EQ(run("Relu", {}, {.scale = 1, .zero_point = 128, .type = DataType::uint8}).reason("c"),
            "the quantizer's range [-128,127] is cut by Relu's [0,inf)");
  EXPECT_EQ(run("Clip", {0, 6}, {.scale = 6 / 255.0F, .zero_point = 0, .type = DataType::uint8}).reason("c"), "integer");
  EXPECT_EQ(run("Clip", {0, 6}, {.scale = 0.25F, .zero_point = 0, .type = DataType::uint8}).reason("c"),
            "the quantizer's range [0,63.75] is cut by Clip's [0,6]");
}

TEST(LowerGemm, GivesFloatsWithoutAQuantizer) {
  QdqSketch sketch = with_input({3, 16});
  sketch.weights("w", random_codes({16, 5}, DataType::int8), std::vector<float>(5, 0.01F), 1);
  sketch.bias("b", {1, 2, 3, 4, 5}, std::vector<float>(5, 0.02F * 0.01F));
  sketch.node("Gemm", {"xd", "w", "b"}, {"y"});
  QdqSketch open = sketch;
  const Lowered floats_out = lowered(open.output("y").model());
  EXPECT_THAT(floats_out.types(), ElementsAre("QuantizeLinear", "QGemm"));
  EXPECT_EQ(floats_out.model.graph.find_node("n_y")->inputs.size(), 7U);
  EXPECT_EQ(floats_out.of("y").multiply_accumulates, 3 * 16 * 5);
  const Lowered codes_out = lowered(finished(sketch));
  EXPECT_THAT(codes_out.types(), ElementsAre("QuantizeLinear", "QGemm", "DequantizeLinear"));
  EXPECT_EQ(codes_out.model.graph.find_node("n_y")->inputs.size(), 9U);
  EXPECT_EQ(codes_out.model.opset("com.microsoft"), 1);
}

TEST(LowerGemm, SaysWhichRuleFailed) {
  const auto reason = [](std::vector<Attribute> attributes, std::int64_t axis = 1) {
    QdqSketch sketch = with_input({3, 16});
    sketch.weights("w", random_codes({16, 16}, DataType::int8), std::vector<float>(16, 0.01F), axis);
    sketch.node("Gemm", {"xd", "w"}, {"y"}, std::move(attributes)).output("y");
    return lowered(sketch.model()).reason("y");
  };
  EXPECT_EQ(reason({}), "integer");
  EXPECT_EQ(reason({one("transB", 1)}, 0), "integer");
  EXPECT_EQ(reason({one("transB", 1)}, 1), "its weight scales run along axis 1, not along the output channels, axis 0");
  EXPECT_EQ(reason({real("alpha", 0.5F)}), "its alpha is 0.5, not 1");
}

QdqSketch with_matrix(const Shape& shape = {3, 16}) {
  QdqSketch sketch = with_input(shape);
  sketch.weights("w", random_codes({16, 5}, DataType::int8), std::vector<float>(5, 0.01F), 1);
  sketch.node("MatMul", {"xd", "w"}, {"m"});
  return sketch;
}

TEST(LowerMatMul, GivesCodesOrFloats) {
  QdqSketch with = with_matrix({2, 3, 16});
  with.pair("m", "out", other).output("out");
  EXPECT_THAT(lowered(with.model()).types(), ElementsAre("QuantizeLinear", "QLinearMatMul", "DequantizeLinear"));
  QdqSketch without = with_matrix({2, 3, 16});
  EXPECT_THAT(lowered(without.output("m").model()).types(), ElementsAre("QuantizeLinear", "MatMulIntegerToFloat"));
}

TEST(LowerMatMul, TakesTheAddOfABiasAlong) {
  QdqSketch with = with_matrix();
  with.constant("b", floats({1, 2, 3, 4, 5})).node("Add", {"b", "m"}, {"y"});
  QdqSketch open = with;
  const Lowered result = lowered(finished(with));
  EXPECT_THAT(result.types(), ElementsAre("QuantizeLinear", "QGemm", "DequantizeLinear"));
  EXPECT_TRUE(result.of("m").integer);
  EXPECT_EQ(result.of("y").reason, "part of 'n_m'");
  const Lowered floats_out = lowered(open.output("y").model());
  EXPECT_EQ(floats_out.reason("m"), "no QuantizeLinear behind it: its output is an output of the model");
  // A stack of matrices is no Gemm.
  QdqSketch stack = with_matrix({2, 3, 16});
  stack.constant("b", floats({1, 2, 3, 4, 5})).node("Add", {"b", "m"}, {"y"});
  EXPECT_THAT(lowered(finished(stack)).types(), Contains("MatMulIntegerToFloat"));
}

TEST(LowerMatMul, MultipliesTwoActivations) {
  QdqSketch sketch = with_input({2, 3, 4});
  sketch.input("z", {2, 4, 5});
  sketch.pair("z", "zd", other).node("MatMul", {"xd", "zd"}, {"y"});
  EXPECT_THAT(lowered(finished(sketch)).types(), ElementsAre("QuantizeLinear", "QuantizeLinear", "QLinearMatMul", "DequantizeLinear"));
}

TEST(LowerBinary, AddsAndMultipliesCodes) {
  for (const std::string type : {"Add", "Mul"}) {
    QdqSketch sketch = with_input();
    sketch.pair("x", "zd", other).node(type, {"xd", "zd"}, {"y"});
    EXPECT_THAT(lowered(finished(sketch)).types(), Contains("QLinear" + type));
    QdqSketch constant = with_input();
    constant.weights("c", random_codes({4, 1, 1}, DataType::uint8), {0.1F}).node(type, {"xd", "c"}, {"y"});
    EXPECT_THAT(lowered(finished(constant)).types(), Contains("QLinear" + type));
    QdqSketch half = with_input();
    half.constant("c", Tensor::scalar(2.0F)).node(type, {"xd", "c"}, {"y"});
    EXPECT_EQ(lowered(finished(half)).reason("y"), "its input 'c' is a float constant");
    QdqSketch mixed = with_input();
    mixed.pair("x", "zd", {.scale = 0.1F, .zero_point = 0, .type = DataType::int8}).node(type, {"xd", "zd"}, {"y"});
    EXPECT_EQ(lowered(finished(mixed)).reason("y"), "its operands are uint8 and int8, its output is uint8");
  }
}

TEST(LowerUnary, HasARowEach) {
  for (const std::string type : {"AveragePool", "GlobalAveragePool", "LeakyRelu", "Sigmoid", "Softmax"}) {
    QdqSketch sketch = with_input();
    sketch.node(type, {"xd"}, {"y"},
                type == "AveragePool" ? std::vector<Attribute>{ints("kernel_shape", {2, 2})} : std::vector<Attribute>{});
    const Lowered result = lowered(finished(sketch));
    EXPECT_THAT(result.types(), ElementsAre("QuantizeLinear", "QLinear" + type, "DequantizeLinear"));
    const Node& node = *result.model.graph.find_node("n_y");
    EXPECT_EQ(node.integer("opset", 0), type == "Softmax" ? 13 : 0);
    EXPECT_EQ(node.integer("axis", 0), type == "Softmax" ? -1 : 0);
  }
}

TEST(LowerConcat, TakesInputsOfSeveralScales) {
  QdqSketch sketch = with_input();
  sketch.pair("x", "zd", other).node("Concat", {"xd", "zd"}, {"y"}, {one("axis", 1)});
  const Lowered result = lowered(finished(sketch));
  EXPECT_THAT(result.types(), Contains("QLinearConcat"));
  EXPECT_EQ(result.model.graph.find_node("n_y")->inputs.size(), 8U);
  EXPECT_EQ(result.model.graph.find_node("n_y")->integer("axis", 0), 1);
}

TEST(LowerMovement, NeedsEqualParameters) {
  const auto run = [](const Parameters& parameters, int opset = 13) {
    QdqSketch sketch = with_input({1, 4, 6, 6}, opset);
    sketch.node("MaxPool", {"xd"}, {"y"}, {ints("kernel_shape", {2, 2})});
    return lowered(finished(sketch, parameters));
  };
  EXPECT_THAT(run({}).types(), ElementsAre("QuantizeLinear", "MaxPool", "DequantizeLinear"));
  EXPECT_EQ(run({.scale = 0.1F, .zero_point = 128, .type = DataType::uint8}).reason("y"),
            "output scale 0.1 differs from input scale 0.02, and MaxPool only moves integers");
  EXPECT_EQ(run({.scale = 0.02F, .zero_point = 0, .type = DataType::uint8}).reason("y"),
            "output zero point 0 differs from input zero point 128, and MaxPool only moves integers");
  EXPECT_EQ(run({}, 11).reason("y"), "MaxPool takes integers from opset 12 on");
}

TEST(LowerMovement, SplitNeedsThemAtEveryOutput) {
  const auto run = [](const Parameters& second) {
    QdqSketch sketch = with_input();
    sketch.node("Split", {"xd"}, {"y", "z"}, {one("axis", 1)});
    sketch.pair("z", "zd", second).output("zd");
    return lowered(finished(sketch, {}));
  };
  EXPECT_EQ(run({}).reason("y"), "integer");
  EXPECT_THAT(run(other).reason("y"), HasSubstr("differs from input scale"));
}

TEST(LowerMovement, ResizeMovesOnlyNearestNeighbours) {
  for (const std::string mode : {"nearest", "linear"}) {
    QdqSketch sketch = with_input();
    sketch.constant("s", floats({1, 1, 2, 2})).node("Resize", {"xd", "", "s"}, {"y"}, {text("mode", mode)});
    const std::string reason = lowered(finished(sketch, {})).reason("y");
    EXPECT_EQ(reason, mode == "nearest" ? "integer" : "Resize linear computes new values; only nearest moves integers");
  }
}

// Conv -> MaxPool -> Q, and DQ -> Reshape -> Gemm: the quantizer is found on the other side.
TEST(LowerCarriedQuantizers, CrossOperatorsThatMoveValues) {
  QdqSketch sketch = with_weights();
  sketch.node("Conv", {"xd", "w"}, {"c"}).node("Relu", {"c"}, {"r"});
  sketch.node("MaxPool", {"r"}, {"m"}, {ints("kernel_shape", {2, 2}), ints("strides", {2, 2})});
  sketch.pair("m", "md", {.scale = 0.1F, .zero_point = 0, .type = DataType::uint8});
  sketch.constant("shape", int64s({1, 32})).node("Reshape", {"md", "shape"}, {"f"});
  sketch.weights("v", random_codes({32, 5}, DataType::int8), {0.01F}).node("Gemm", {"f", "v"}, {"y"}).output("y");
  const Lowered result = lowered(sketch.model());
  EXPECT_THAT(result.types(), ElementsAre("QuantizeLinear", "QLinearConv", "MaxPool", "Reshape", "QGemm"));
  EXPECT_EQ(result.report.integer_coverage(), 1.0);
}

TEST(LowerSharedDequantize, ServesEveryReader) {
  QdqSketch sketch = with_weights();
  sketch.weights("v", random_codes({8, 4, 1, 1}, DataType::int8), {0.01F});
  sketch.node("Conv", {"xd", "w"}, {"a"}, {ints("pads", {1, 1, 1, 1})}).node("Conv", {"xd", "v"}, {"b"});
  sketch.pair("a", "ad").pair("b", "bd", other).node("Add", {"ad", "bd"}, {"y"});
  EXPECT_THAT(lowered(finished(sketch)).types(),
              ElementsAre("QuantizeLinear", "QLinearConv", "QLinearConv", "QLinearAdd", "DequantizeLinear"));
}

// x * sigmoid(x) behind a convolution, as MobileNets have it.
TEST(LowerSilu, StaysOnIntegers) {
  QdqSketch sketch = with_weights();
  sketch.node("Conv", {"xd", "w"}, {"c"});
  sketch.pair("c", "cd").node("Sigmoid", {"cd"}, {"s"});
  sketch.pair("s", "sd", other).node("Mul", {"cd", "sd"}, {"y"});
  EXPECT_THAT(lowered(finished(sketch)).types(),
              ElementsAre("QuantizeLinear", "QLinearConv", "QLinearSigmoid", "QLinearMul", "DequantizeLinear"));
}

TEST(LowerDynamic, BecomesOneNode) {
  const auto sketch = [] {
    QdqSketch result(13);
    result.input("x", {2, 3, 16}).node("DynamicQuantizeLinear", {"x"}, {"q", "s", "z"});
    result.constant("w", random_codes({16, 5}, DataType::int8))
        .constant("ws", floats({1, 2, 3, 4, 5}))
        .constant("wz", codes({5}, {0, 0, 0, 0, 0}, DataType::int8));
    result.node("MatMulInteger", {"q", "w", "z", "wz"}, {"i"}).node("Cast", {"i"}, {"f"}, {one("to", 1)});
    result.node("Mul", {"s", "ws"}, {"ss"}).node("Mul", {"f", "ss"}, {"m"});
    result.constant("b", floats({1, 2, 3, 4, 5})).node("Add", {"m", "b"}, {"y"}).output("y");
    return result;
  };
  const Lowered whole = lowered(sketch().model());
  EXPECT_THAT(whole.types(), ElementsAre("DynamicQuantizeMatMul"));
  EXPECT_TRUE(whole.of("i").integer);
  QdqSketch shared = sketch();
  shared.output("q", DataType::uint8);
  EXPECT_THAT(lowered(shared.model()).types(), ElementsAre("DynamicQuantizeLinear", "MatMulIntegerToFloat"));
}

TEST(LowerReport, NamesWhatHasNoIntegerForm) {
  QdqSketch sketch = with_input();
  sketch.weights("w", random_codes({4, 2, 2, 2}, DataType::int8), {0.1F}).node("ConvTranspose", {"xd", "w"}, {"y"});
  const Lowered result = lowered(finished(sketch));
  EXPECT_EQ(result.reason("y"), "ConvTranspose has no integer form");
  EXPECT_EQ(result.of("y").multiply_accumulates, 4 * 6 * 6 * 2 * 2 * 2);
  EXPECT_EQ(result.report.integer_coverage(), 0.0);
}

TEST(LowerReport, SaysWhatRunsOnSmallFloatsOrFewBits) {
  QdqSketch eight(19);
  eight.input("x", {1, 16}).constant("s", Tensor::scalar(1.0F)).constant("z", Tensor::zeros(DataType::float8e4m3fn, {}));
  eight.node("QuantizeLinear", {"x", "s", "z"}, {"q"}).node("DequantizeLinear", {"q", "s", "z"}, {"xd"});
  eight.constant("w", numbers({16, 4})).node("Gemm", {"xd", "w"}, {"y"}).output("y");
  EXPECT_EQ(lowered(eight.model()).reason("y"), "'n_xd' quantizes to float8e4m3fn, which is no integer");
  QdqSketch four = with_input({3, 16}, 21);
  four.constant("c", Tensor::zeros(DataType::int4, {16, 5}))
      .constant("s", Tensor::scalar(1.0F))
      .constant("z", Tensor::zeros(DataType::int4, {}));
  four.node("DequantizeLinear", {"c", "s", "z"}, {"w"}).node("MatMul", {"xd", "w"}, {"y"}).output("y");
  EXPECT_EQ(lowered(four.model()).reason("y"), "int4 weights with quantized activations");
}

TEST(LowerReport, SaysThatAFloatModelIsNotQuantized) {
  Sketch sketch(13);
  sketch.input("x", {1, 4, 6, 6}).constant("w", numbers({8, 4, 3, 3})).node("Conv", {"x", "w"}, {"y"}).output("y");
  const Lowered result = lowered(sketch.model());
  EXPECT_EQ(result.report.rewrites, 0U);
  EXPECT_EQ(result.reason("y"), "the model has no quantizers");
  EXPECT_EQ(result.report.integer_coverage(), 0.0);
}

// A sequence left open: the products of a matrix with itself grow with its square, those with weights do not.
TEST(LowerReport, CountsForTheShapesOfASample) {
  Sketch sketch(13);
  sketch.input("x", {1, -1, 4}).constant("w", numbers({4, 8}));
  sketch.node("Transpose", {"x"}, {"t"}, {ints("perm", {0, 2, 1})})
      .node("MatMul", {"x", "t"}, {"square"})
      .node("MatMul", {"x", "w"}, {"y"});
  const Model model = sketch.output("square").output("y").model();
  const auto counts = [&](std::span<const Shape> shapes) {
    Model copy = model;
    const LoweringReport report = lower(copy, shapes);
    return std::vector{report.nodes.at(0).multiply_accumulates, report.nodes.at(1).multiply_accumulates};
  };
  EXPECT_THAT(counts({}), ElementsAre(4, 4 * 8));
  EXPECT_THAT(counts(std::vector<Shape>{{1, 10, 4}}), ElementsAre(10 * 10 * 4, 10 * 4 * 8));
}

// What another tool wrote in integer operators stays and counts.
TEST(LowerReport, CountsIntegerOperatorsOfOtherTools) {
  Sketch sketch(13);
  sketch.input("x", {1, 4, 6, 6}, DataType::uint8).constant("s", Tensor::scalar(0.1F)).constant("z", codes({}, {0}, DataType::uint8));
  sketch.constant("w", random_codes({8, 4, 1, 1}, DataType::uint8)).node("QLinearConv", {"x", "s", "z", "w", "s", "z", "s", "z"}, {"y"});
  const Lowered result = lowered(sketch.output("y", DataType::uint8).model());
  EXPECT_EQ(result.reason("y"), "integer");
  EXPECT_THAT(result.types(), ElementsAre("QLinearConv"));
}

// What placement takes for integer must have a row here, or a candidate would run otherwise than it was made for.
TEST(LowerTable, HasARowForEveryOperatorThatPlacementQuantizesAround) {
  Graph graph;
  const ValueId a = graph.add_value("a");
  const ValueId b = graph.add_value("b");
  int found = 0;
  for (const OperatorDefinition& definition : operators()) {
    Node node;
    node.name = "node";
    node.type = std::string(definition.type);
    node.domain = std::string(definition.domain);
    node.inputs = {a, b};
    node.outputs = {graph.add_value("out" + std::to_string(graph.values.size()))};
    if (!integer_rule(graph, node)) continue;
    ++found;
    EXPECT_NE(lowering::find_row(node), nullptr) << node.type;
  }
  EXPECT_GT(found, 15);
}

}  // namespace
}  // namespace titrate::engine
