// Each kind of spec, what quantizers may not say, and how two compose.
#include "engine/quant/edges/quantizer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"
#include "engine/quant/integer_weights.hpp"
#include "tests/engine/quant/edges/annotated.hpp"
#include "tests/witness/ort_run.hpp"

namespace titrate::engine {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

// conv1 (with bias), Sigmoid, conv2, Add of both, MaxPool, Flatten, Gemm.
Model network() {
  Sketch sketch(13);
  sketch.input("x", {1, 4, 8, 8}).constant("w1", numbers({6, 4, 3, 3}, 2)).constant("b1", numbers({6}, 3));
  sketch.node("Conv", {"x", "w1", "b1"}, {"a"}, {ints("pads", {1, 1, 1, 1})}).node("Sigmoid", {"a"}, {"s"});
  sketch.constant("w2", numbers({6, 6, 1, 1}, 4)).constant("b2", numbers({6}, 5)).node("Conv", {"s", "w2", "b2"}, {"c"});
  sketch.node("Add", {"s", "c"}, {"d"}).node("MaxPool", {"d"}, {"m"}, {ints("kernel_shape", {2, 2}), ints("strides", {2, 2})});
  sketch.node("Flatten", {"m"}, {"f"}).constant("w3", numbers({96, 5}, 6)).constant("b3", numbers({5}, 7));
  return sketch.node("Gemm", {"f", "w3", "b3"}, {"y"}).output("y").model();
}

const PlainSpec unsigned_activation{};
const PlainSpec channel_weights{.type = CodeType::int8, .symmetric = true, .axis = 0};

// The words of the Error that is thrown: message, place and hint.
std::string refusal(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::usage);
    return error.what();
  }
  return "nothing was thrown";
}
std::string refusal(const std::vector<std::pair<Edge, EdgeSpec>>& specs) {
  return refusal([&] { (void)annotated(network(), saying(specs)); });
}

TEST(Quantizer, PlainSpecTakesTheRangeOfTheValue) {
  const Annotated result = annotated(network(),
                                     saying({{input_of("n_a"), unsigned_activation},
                                             {output_of("n_s"), PlainSpec{.type = CodeType::int8, .symmetric = true}},
                                             {output_of("n_d"), PlainSpec{.type = CodeType::uint16, .least = 0.0F}}}),
                                     {{"x", {-1.0F, 3.0F}}, {"s", {0.1F, 0.5F}}, {"d", {-2.0F, 4.0F}}});
  EXPECT_EQ(result.parameters(input_of("n_a")), asymmetric_parameters(-1, 3, unsigned_range(8)));
  EXPECT_EQ(result.parameters(output_of("n_s")), symmetric_parameters(0.5F, 127));
  EXPECT_EQ(result.parameters(output_of("n_d")), asymmetric_parameters(0, 4, unsigned_range(16)));
  EXPECT_EQ(source_type(result.model, node_named(result.model, "n_a"), 0), "Max") << "its weights are float: shielded";
  EXPECT_EQ(source_type(result.model, node_named(result.model, "n_c"), 0), "Max") << "all readers of the output";
  EXPECT_EQ(source_type(result.model, node_named(result.model, "n_d"), 0), "DequantizeLinear");
  EXPECT_EQ(source_type(result.model, node_named(result.model, "n_d"), 1), "Conv") << "nobody annotated it";
  EXPECT_EQ(result.model.opset(), 21) << "16-bit codes";
}

TEST(Quantizer, PlainSpecStoresConstants) {
  const Model model = network();
  const PlainSpec blocks{.type = CodeType::int4, .symmetric = true, .axis = 0, .block_size = 40};
  const Annotated result = annotated(model, saying({{input_of("n_a", 1), channel_weights}, {input_of("n_y", 1), blocks}}));
  const QuantizedMatrix expected =
      quantize_integer_weights(weight_matrix_of(model.graph, node_named(model, "n_a")), {.per_channel = true, .symmetric = true});
  EXPECT_THAT(result.edges.at(input_of("n_a", 1)).parameters.scales, testing::ElementsAreArray(expected.scales));
  EXPECT_EQ(constant_named(result.model, "w1_quantized").type(), DataType::int8);
  EXPECT_THAT(to_doubles(constant_named(result.model, "w1_quantized")),
              testing::ElementsAreArray(std::vector<double>(expected.codes.begin(), expected.codes.end())));
  // 96 numbers in blocks of 40: the last is short.
  EXPECT_EQ(constant_named(result.model, "w3_scale").shape(), (Shape{3, 5}));
  EXPECT_EQ(constant_named(result.model, "w3_quantized").type(), DataType::int4);
  const Tensor& weights = *model.graph.constant_input(node_named(model, "n_y"), 1);
  for (std::size_t block = 0; block < 3; ++block) {
    float largest = 0;
    for (std::size_t row = block * 40; row < std::min<std::size_t>(block * 40 + 40, 96); ++row)
      largest = std::max(largest, std::fabs(weights.data<float>()[row * 5 + 2]));
    EXPECT_EQ(result.edges.at(input_of("n_y", 1)).parameters.scales.at(block * 5 + 2), symmetric_parameters(largest, 7).scale);
  }
}

TEST(Quantizer, SharedSpecTakesTheRangeOfAll) {
  const auto parameters = asymmetric_parameters(-4, 3, unsigned_range(8));
  const Annotated result = annotated(network(),
                                     saying({{output_of("n_d"), unsigned_activation},
                                             {output_of("n_m"), SharedSpec{output_of("n_d")}},
                                             // Reads what n_m makes: the same parameters by two steps.
                                             {output_of("n_f"), SharedSpec{input_of("n_f")}}}),
                                     {{"d", {-1.0F, 3.0F}}, {"m", {-0.5F, 2.0F}}, {"f", {-4.0F, 1.0F}}});
  for (const std::string node : {"n_d", "n_m", "n_f"}) EXPECT_EQ(result.parameters(output_of(node)), parameters) << node;
}

TEST(Quantizer, SharedSpecServesConstantsToo) {
  Sketch sketch(13);
  sketch.input("x", {1, 8}).constant("c", floats({-3, 0, 1, 2, 0, 0, 0, 0})).node("Add", {"x", "c"}, {"y"}).output("y");
  const Annotated result =
      annotated(sketch.model(), saying({{input_of("n_y", 0), unsigned_activation}, {input_of("n_y", 1), SharedSpec{input_of("n_y", 0)}}}));
  EXPECT_EQ(result.parameters(input_of("n_y", 1)), asymmetric_parameters(-3, 2, unsigned_range(8)));
  EXPECT_EQ(constant_named(result.model, "c_quantized").type(), DataType::uint8);
}

TEST(Quantizer, FixedSpecDoesNotDependOnData) {
  const Annotated result = annotated(network(), saying({{output_of("n_s"), FixedSpec{.scale = 1.0F / 256}}}), {{"s", {-9.0F, 9.0F}}});
  EXPECT_EQ(result.parameters(output_of("n_s")), (AffineParameters{1.0F / 256, 0}));
  const Annotated small = annotated(network(), saying({{input_of("n_a", 2), FixedSpec{.type = CodeType::int8, .scale = 1e-3F}}}));
  EXPECT_THAT(small.remarks, ElementsAre(AllOf(HasSubstr("of 6 numbers at input 2 of 'n_a'"), HasSubstr("saturate"))));
}

TEST(Quantizer, DerivedSpecFollowsOtherEdges) {
  const DerivedSpec bias{.from = {input_of("n_c", 0), input_of("n_c", 1)}, .derive = product_of_scales, .axis = 0};
  // The scale of input 0 is that of the value where it is made.
  const Annotated result = annotated(
      network(),
      saying({{output_of("n_s"), FixedSpec{.scale = 1.0F / 256}}, {input_of("n_c", 1), channel_weights}, {input_of("n_c", 2), bias}}));
  const auto& weights = result.edges.at(input_of("n_c", 1)).parameters.scales;
  const auto& derived = result.edges.at(input_of("n_c", 2)).parameters;
  const Model model = network();
  const auto numbers = model.graph.constant_input(node_named(model, "n_c"), 2)->data<float>();
  const std::vector<double> codes = to_doubles(constant_named(result.model, "b2_quantized"));
  ASSERT_EQ(derived.scales.size(), 6U);
  for (std::size_t channel = 0; channel < 6; ++channel) {
    EXPECT_EQ(derived.scales[channel], weights[channel] / 256);
    EXPECT_EQ(codes[channel], quantize_bias(numbers[channel], derived.scales[channel]));
  }
  EXPECT_EQ(constant_named(result.model, "b2_quantized").type(), DataType::int32);
}

// PT2E: an annotation at an input is of that reader alone.
TEST(Quantizer, AnInputComesBeforeTheOutputItReads) {
  const PlainSpec wide{.type = CodeType::uint16};
  const Annotated result =
      annotated(network(), saying({{output_of("n_s"), unsigned_activation}, {input_of("n_c"), wide}, {input_of("n_d", 1), FloatSpec{}}}));
  EXPECT_NE(result.parameters(output_of("n_s")), result.parameters(input_of("n_c")));
  const Graph& graph = result.model.graph;
  EXPECT_NE(node_named(result.model, "n_c").inputs[0], node_named(result.model, "n_d").inputs[0]);
  const auto quantizers = std::ranges::count_if(graph.nodes, [](const Node& node) { return node.type == "QuantizeLinear"; });
  EXPECT_EQ(quantizers, 2);
  // Equal parameters need one pair.
  const Annotated equal = annotated(network(), saying({{output_of("n_s"), unsigned_activation}, {input_of("n_c"), unsigned_activation}}));
  EXPECT_EQ(std::ranges::count_if(equal.model.graph.nodes, [](const Node& node) { return node.type == "QuantizeLinear"; }), 1);
}

TEST(Quantizer, AGraphOutputKeepsItsName) {
  const Annotated result = annotated(network(), saying({{output_of("n_y"), unsigned_activation}}));
  const Graph& graph = result.model.graph;
  EXPECT_EQ(graph[graph.outputs.at(0)].name, "y");
  EXPECT_EQ(graph.nodes[static_cast<std::size_t>(Uses(graph).producer(graph.outputs[0]))].type, "DequantizeLinear");
}

// Between integer layers ONNX Runtime would quantize the float weights of the one between by itself.
TEST(Quantizer, ALayerLeftFloatIsShielded) {
  const Annotated result = annotated(network(), saying({{output_of("n_s"), unsigned_activation}, {output_of("n_c"), unsigned_activation}}));
  EXPECT_EQ(source_type(result.model, node_named(result.model, "n_c"), 0), "Max");
}

TEST(Quantizer, EdgesThatAreNotThereAreNamed) {
  EXPECT_THAT(refusal({{input_of("n_A"), unsigned_activation}}),
              AllOf(HasSubstr("there is no input 0 of 'n_A'"), HasSubstr("did you mean 'n_"), HasSubstr("quantizer 'mine'")));
  EXPECT_THAT(refusal({{input_of("n_a", 5), unsigned_activation}}),
              AllOf(HasSubstr("has 3 inputs"), HasSubstr("nearest is input 2 of 'n_a'")));
  EXPECT_THAT(refusal({{output_of("n_a", 1), unsigned_activation}}), HasSubstr("nearest is output 0 of 'n_a'"));
}

TEST(Quantizer, CirclesAreErrors) {
  EXPECT_THAT(refusal({{output_of("n_d"), SharedSpec{output_of("n_m")}}, {output_of("n_m"), SharedSpec{output_of("n_d")}}}),
              AllOf(HasSubstr("shared in a circle"), HasSubstr("output 0 of 'n_d' with output 0 of 'n_m' with output 0 of 'n_d'")));
  EXPECT_THAT(refusal({{output_of("n_d"), SharedSpec{output_of("n_d")}}}), HasSubstr("circle"));
  const auto of = [](const std::string& node) {
    return DerivedSpec{.type = CodeType::uint8, .from = {output_of(node)}, .derive = product_of_scales};
  };
  EXPECT_THAT(refusal({{output_of("n_d"), of("n_m")}, {output_of("n_m"), of("n_d")}}),
              AllOf(HasSubstr("derived in a circle"), HasSubstr("output 0 of 'n_d' from output 0 of 'n_m' from output 0 of 'n_d'")));
  EXPECT_THAT(refusal({{output_of("n_d"), of("n_m")}, {output_of("n_m"), SharedSpec{output_of("n_d")}}}), HasSubstr("circle"));
}

TEST(Quantizer, ParametersNeedASource) {
  EXPECT_THAT(refusal({{output_of("n_m"), SharedSpec{output_of("n_d")}}}),
              AllOf(HasSubstr("output 0 of 'n_m' shares the parameters of output 0 of 'n_d', which nobody annotated")));
  EXPECT_THAT(refusal({{output_of("n_m"), SharedSpec{output_of("n_d")}}, {output_of("n_d"), FloatSpec{}}}), HasSubstr("which stays float"));
  EXPECT_THAT(refusal({{output_of("n_m"), SharedSpec{input_of("n_m", 4)}}}), HasSubstr("which does not exist"));
  EXPECT_THAT(refusal({{input_of("n_a", 2), DerivedSpec{.from = {input_of("n_a")}, .derive = product_of_scales}}}),
              HasSubstr("input 2 of 'n_a' derives its parameters from input 0 of 'n_a', which nobody annotated"));
}

TEST(Quantizer, SpecsThatDoNotFitAreRefused) {
  const Edge activation = input_of("n_a");
  const Edge weights = input_of("n_a", 1);
  EXPECT_THAT(refusal({{activation, channel_weights}}), HasSubstr("an activation has one scale"));
  EXPECT_THAT(refusal({{weights, PlainSpec{.type = CodeType::int32}}}), HasSubstr("fix or derive"));
  EXPECT_THAT(refusal({{weights, PlainSpec{.axis = 4}}}), HasSubstr("[6,4,3,3] has no axis 4"));
  EXPECT_THAT(refusal({{weights, PlainSpec{.block_size = 16}}}), HasSubstr("blocks run along an axis"));
  EXPECT_THAT(refusal({{activation, PlainSpec{.calibrator = "guess"}}}), AllOf(HasSubstr("no calibrator 'guess'"), HasSubstr("minmax")));
  EXPECT_THAT(refusal({{activation, PlainSpec{.least = 1.0F, .largest = 1.0F}}}), HasSubstr("between its bounds"));
  EXPECT_THAT(refusal({{activation, PlainSpec{.codes = std::pair(-1, 300)}}}), HasSubstr("codes from -1 to 300 are not uint8"));
  EXPECT_THAT(refusal({{activation, FixedSpec{.scale = 0}}}), HasSubstr("not above 0"));
  EXPECT_THAT(refusal({{activation, FixedSpec{.scale = 1, .zero_point = 256}}}), HasSubstr("is no code of uint8"));
  EXPECT_THAT(refusal({{activation, FixedSpec{.type = CodeType::int32, .scale = 1}}}), HasSubstr("for constants"));
  EXPECT_THAT(refusal({{activation, unsigned_activation},
                       {weights, PlainSpec{.type = CodeType::int8, .axis = 1}},
                       {input_of("n_a", 2), DerivedSpec{.from = {activation, weights}, .derive = product_of_scales, .axis = 0}}}),
              HasSubstr("4 scales where there is room for 6"));
  EXPECT_THAT(refusal({{weights, channel_weights}, {activation, SharedSpec{weights}}}), HasSubstr("cannot share the 6 scales"));
  Sketch sketch(13);
  sketch.input("i", {3}, DataType::int64).constant("table", numbers({9, 40})).node("Gather", {"table", "i"}, {"y"}).output("y");
  EXPECT_THAT(refusal([&] {
                (void)annotated(sketch.model(), saying({{input_of("n_y", 1), unsigned_activation}}));
              }),
              HasSubstr("it holds int64"));
}

TEST(Quantizer, MissingStatisticsAreInvalid) {
  const Model prepared = prepare_float_model(network());
  Annotations annotations;
  annotations.begin("mine");
  annotations.annotate(input_of("n_a"), unsigned_activation);
  try {
    (void)EdgePlan(prepared.graph, annotations).quantizations({});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid);
    EXPECT_THAT(error.what(), HasSubstr("'x' has no calibration statistics"));
  }
}

TEST(Quantizer, TheSecondMayNotAnnotateWhatTheFirstDid) {
  const SaidQuantizer first("first", [](const GraphDescription&, Annotations& annotations) {
    annotations.annotate(output_of("n_s"), FixedSpec{.scale = 1.0F / 256});
  });
  const SaidQuantizer second(
      "second", [](const GraphDescription&, Annotations& annotations) { annotations.annotate(output_of("n_s"), PlainSpec{}); });
  EXPECT_THAT(refusal([&] {
                (void)annotated(network(), std::vector<const Quantizer*>{&first, &second});
              }),
              AllOf(HasSubstr("'second' annotates output 0 of 'n_s'"), HasSubstr("'first' annotated before"), HasSubstr("overwrite()")));
  const SaidQuantizer bold("bold", [](const GraphDescription& graph, Annotations& annotations) {
    EXPECT_TRUE(annotations.taken_before("n_s"));
    EXPECT_FALSE(annotations.taken_before("n_c"));
    EXPECT_TRUE(graph.find("n_a")->has_constant(1));
    EXPECT_EQ(graph.find("n_a")->inputs[1].shape, (std::vector<std::int64_t>{6, 4, 3, 3}));
    annotations.overwrite(output_of("n_s"), FixedSpec{.scale = 0.5F});
  });
  const Annotated result = annotated(network(), std::vector<const Quantizer*>{&first, &bold});
  EXPECT_EQ(result.parameters(output_of("n_s")).scale, 0.5F);
  EXPECT_EQ(result.by.at(output_of("n_s")), "bold");
}

StaticInt8Quantizer built_in(const std::string& config = "static_int8()") { return {parse_config(config), default_target()}; }

bool same_bits(const Model& left, const Model& right, const Tensor& input) {
  return std::ranges::equal(run_once(left, {input}).at(0).bytes(), run_once(right, {input}).at(0).bytes());
}

// Convolutions with a Relu and a Clip between, which symmetric codes do not make redundant.
Model activations() {
  Sketch sketch(13);
  sketch.input("x", {1, 4, 8, 8}).constant("w1", numbers({6, 4, 3, 3}, 2)).constant("b1", numbers({6}, 3));
  sketch.node("Conv", {"x", "w1", "b1"}, {"a"}).node("Relu", {"a"}, {"s"}).constant("w2", numbers({6, 6, 1, 1}, 4));
  sketch.constant("low", Tensor::scalar(0.0F)).constant("high", Tensor::scalar(2.0F));
  sketch.node("Conv", {"s", "w2"}, {"c"}).node("Clip", {"c", "low", "high"}, {"d"}).constant("w3", numbers({3, 6, 1, 1}, 8));
  return sketch.node("Conv", {"d", "w3"}, {"y"}).output("y").model();
}

std::ptrdiff_t count(const Model& model, const std::string& type) { return std::ranges::count(model.graph.nodes, type, &Node::type); }

// The placement of the scheme, said in annotations, gives the scheme's model.
TEST(StaticInt8Quantizer, IsTheSchemeInAnnotations) {
  const Ranges ranges = {{"x", {-1.0F, 1.0F}}, {"a", {-6, 6}}, {"s", {0, 1}},  {"c", {-3, 3}},
                         {"d", {-2, 4}},       {"m", {-1, 4}}, {"f", {-1, 4}}, {"y", {-9, 9}}};
  for (const std::string config : {"static_int8()", "static_int8(per_channel=false)", "static_int8(act=s8,act_sym=true)",
                                   "static_int8(reduce_range=true)", "static_int8() | name:n_c = float", "static_int8(act=u16)"}) {
    const StaticInt8Quantizer quantizer = built_in(config);
    for (const Model& model : {network(), activations()}) {
      SCOPED_TRACE(cat(config, ", ", model.graph.nodes.size(), " nodes"));
      const Annotated said = annotated(model, std::vector<const Quantizer*>{&quantizer}, ranges);
      const Conversion scheme = converted(model, config, ranges);
      EXPECT_TRUE(same_bits(said.model, scheme.model, numbers({1, 4, 8, 8}, 12)));
      if (model.graph.nodes.size() < 7) continue;  // quantizers that another makes redundant may be there or not
      for (const std::string type : {"QuantizeLinear", "DequantizeLinear"})
        EXPECT_EQ(count(said.model, type), count(scheme.model, type)) << type;
    }
  }
}

TEST(StaticInt8Quantizer, ComposesWithOnesOwn) {
  const SaidQuantizer mine = saying([](const GraphDescription& graph, Annotations& annotations) {
    annotations.annotate(output_of("n_s"), FixedSpec{.scale = 1.0F / 256});
    annotations.leave_float(*graph.find("n_y"));
  });
  const StaticInt8Quantizer rest = built_in();
  const Annotated result = annotated(network(), {&mine, &rest});
  EXPECT_EQ(result.by.at(output_of("n_s")), "mine");
  EXPECT_EQ(result.by.at(input_of("n_c", 1)), "static_int8()");
  EXPECT_EQ(result.parameters(output_of("n_s")), (AffineParameters{1.0F / 256, 0}));
  // The bias of the built-in's layer follows the parameters of one's own.
  EXPECT_EQ(result.edges.at(input_of("n_c", 2)).parameters.scales.at(0), result.edges.at(input_of("n_c", 1)).parameters.scales.at(0) / 256);
  EXPECT_FALSE(result.edges.contains(input_of("n_y", 1)));
  EXPECT_EQ(source_type(result.model, node_named(result.model, "n_y"), 1), "") << "its weights stay float";
  EXPECT_EQ(source_type(result.model, node_named(result.model, "n_c"), 0), "DequantizeLinear");
}

TEST(StaticInt8Quantizer, SharesTheValuesThatOthersQuantize) {
  // Somebody else's addition reads the value that the built-in's second convolution reads too.
  const SaidQuantizer mine = saying({{input_of("n_d"), PlainSpec{.largest = 0.5F}}});
  const StaticInt8Quantizer rest = built_in();
  const Annotated result = annotated(network(), {&mine, &rest});
  EXPECT_EQ(result.by.at(input_of("n_d")), "mine");
  EXPECT_EQ(result.by.at(output_of("n_s")), "static_int8()");
  EXPECT_EQ(result.edges.at(output_of("n_s")), result.edges.at(input_of("n_d")));
  EXPECT_FALSE(result.edges.contains(output_of("n_d"))) << "the node was taken";
  const Node& convolution = node_named(result.model, "n_c");
  EXPECT_EQ(convolution.inputs[0], node_named(result.model, "n_d").inputs[0]) << "one pair serves both";
  EXPECT_EQ(source_type(result.model, convolution, 0), "DequantizeLinear");
}

TEST(StaticInt8Quantizer, IsForThatSchemeOnly) {
  EXPECT_THAT(refusal([] { (void)built_in("rtn()"); }), HasSubstr("is not static_int8"));
  EXPECT_THAT(refusal([] { (void)built_in("smoothquant() + static_int8()"); }), HasSubstr("stages"));
}

TEST(Quantizer, WhatIsWrittenIsWhatOnnxRuntimeComputes) {
  if (!witness::has_onnxruntime()) GTEST_SKIP() << witness::how_to_get_onnxruntime();
  const StaticInt8Quantizer rest = built_in("static_int8(reduce_range=true)");
  const PlainSpec blocks{.type = CodeType::int4, .symmetric = true, .axis = 0, .block_size = 32};
  const std::vector<SaidQuantizer> own = {
      saying({{output_of("n_s"), FixedSpec{.scale = 1.0F / 256}}}),
      saying({{output_of("n_s"), unsigned_activation}, {input_of("n_c"), PlainSpec{.type = CodeType::uint16}}}),
      saying({{input_of("n_y", 1), blocks}}),
      saying({{input_of("n_y", 1), PlainSpec{.type = CodeType::int8, .symmetric = true, .axis = 1}}}),
      saying({{output_of("n_d"), unsigned_activation},
              {output_of("n_m"), SharedSpec{output_of("n_d")}},
              {output_of("n_y"), unsigned_activation}}),
      saying([](const GraphDescription& graph, Annotations& annotations) { annotations.leave_float(*graph.find("n_c")); }),
  };
  std::vector<witness::OrtRun> runs;
  const Ranges ranges = {{"y", {-9, 9}}, {"a", {-6, 6}}, {"d", {-3, 4}}, {"c", {-3, 3}}};
  for (const SaidQuantizer& each : own) {
    const auto edges = annotated(network(), std::vector<const Quantizer*>{&each, &rest}, ranges);
    runs.push_back({edges.model, {numbers({1, 4, 8, 8}, 12)}});
  }
  for (std::size_t index = 0; index + 1 < own.size(); ++index)
    runs.push_back({annotated(network(), own[index], ranges).model, {numbers({1, 4, 8, 8}, 13)}});
  const std::vector<witness::OrtResult> results = witness::run_in_onnxruntime(runs);
  ASSERT_EQ(results.size(), runs.size());
  for (std::size_t index = 0; index < runs.size(); ++index) {
    SCOPED_TRACE(index);
    ASSERT_EQ(results[index].error, "");
    const Tensor expected = run_once(runs[index].model, runs[index].inputs).at(0);
    float largest = 0;
    for (const float element : expected.data<float>()) largest = std::max(largest, std::fabs(element));
    // Integer arithmetic rounds an activation to the next code where float arithmetic is just below half a step.
    for (std::size_t place = 0; place < expected.data<float>().size(); ++place)
      EXPECT_NEAR(expected.data<float>()[place], results[index].outputs.at(0).data<float>()[place], 0.01F * largest);
  }
}

}  // namespace
}  // namespace titrate::engine
