// For each rule of the check a model that breaks it and one that does not.
#include "engine/quant/check/check.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <set>

#include "engine/quant/check/rule.hpp"
#include "engine/quant/targets/breach.hpp"
#include "engine/quant/targets/read_target.hpp"
#include "tests/engine/passes/lower/qdq_sketch.hpp"
#include "tests/engine/quant/quantized_sketch.hpp"

namespace titrate::engine {
namespace {

using testing::AllOf;
using testing::Each;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<Finding> findings_of(const Model& model, const std::string& rule, const std::string& target = "onnxruntime") {
  std::vector<Finding> found = check(model, find_target(target)).findings;
  std::erase_if(found, [&](const Finding& finding) { return finding.rule != rule; });
  return found;
}

// "warning: n_y: words", or "" if the rule found nothing.
std::string said(const Model& model, const std::string& rule, const std::string& target = "onnxruntime") {
  const auto found = findings_of(model, rule, target);
  return found.empty() ? "" : std::string(name_of(found[0].severity)) + ": " + found[0].node + ": " + found[0].words;
}

// What differs from a convolution of 2 channels to 2 that runs on integers.
struct ConvCase {
  Parameters input = {};
  std::vector<int> codes = {10, -20, 30, 40};
  std::vector<float> scales = {0.01F, 0.02F};
  std::vector<int> zero_points = {0, 0};
  std::int64_t axis = 0;
  std::optional<std::vector<int>> bias = std::nullopt;
  std::vector<float> bias_scales = {0.02F * 0.01F, 0.02F * 0.02F};
  std::optional<std::vector<float>> float_bias = std::nullopt;
  bool float_weights = false;
  bool quantized_behind = true;
  int inputs = 2;
};

QdqSketch conv(const ConvCase& how) {
  QdqSketch sketch;
  sketch.input("x", {1, how.inputs, 4, 4});
  sketch.pair("x", "xd", how.input);
  const Shape shape = {2, how.inputs, 1, 1};
  if (how.float_weights) {
    sketch.constant("w", numbers(shape));
  } else {
    sketch.constant("w_codes", codes(shape, how.codes, DataType::int8));
    sketch.constant("w_scale", floats(how.scales));
    sketch.constant("w_zero", codes({static_cast<std::int64_t>(how.scales.size())}, how.zero_points, DataType::int8));
    sketch.node("DequantizeLinear", {"w_codes", "w_scale", "w_zero"}, {"w"}, {one("axis", how.axis)});
  }
  std::vector<std::string> inputs = {"xd", "w"};
  if (how.bias) sketch.bias("b", *how.bias, how.bias_scales);
  if (how.float_bias) sketch.constant("b", floats(*how.float_bias));
  if (how.bias || how.float_bias) inputs.push_back("b");
  sketch.node("Conv", inputs, {"c"});
  if (!how.quantized_behind) {
    sketch.node("Sin", {"c"}, {"y"}).output("y");
  } else {
    sketch.pair("c", "y").output("y");
  }
  return sketch;
}

TEST(Check, FindsNothingInAPlainConvolution) {
  const CheckReport report = check(conv({.bias = std::vector{5, -6}}).model(), default_target());
  EXPECT_THAT(report.findings, IsEmpty()) << report.findings.front().words;
  EXPECT_EQ(report.integer_coverage, 1.0);
}

TEST(Check, FindsNothingInAFloatModel) {
  Sketch sketch(13);
  sketch.input("x", {1, 2, 4, 4}).constant("w", numbers({2, 2, 1, 1}));
  const Model model = sketch.node("Conv", {"x", "w"}, {"y"}).output("y").model();
  for (const std::string target : {"onnxruntime", "openvino", "tensorrt", "any"})
    EXPECT_THAT(check(model, find_target(target)).findings, IsEmpty()) << target;
}

TEST(CheckScaleValue, NamesScalesThatAreNone) {
  const auto with_scale = [](float scale) { return conv({.input = {.scale = scale}}).model(); };
  EXPECT_EQ(said(with_scale(0.02F), "scale_value"), "");
  EXPECT_THAT(said(with_scale(0.0F), "scale_value"), AllOf(HasSubstr("error"), HasSubstr("its scale is 0")));
  EXPECT_THAT(said(with_scale(-1.0F), "scale_value"), AllOf(HasSubstr("error"), HasSubstr("-1")));
  EXPECT_THAT(said(with_scale(std::numeric_limits<float>::infinity()), "scale_value"), HasSubstr("error"));
  EXPECT_THAT(said(with_scale(1e-40F), "scale_value"), AllOf(HasSubstr("warning"), HasSubstr("least normal")));
  EXPECT_THAT(said(conv({.scales = {0.01F, -0.02F}}).model(), "scale_value"), HasSubstr("warning"));
}

// Weights that are only stored may have the sign in the scale, as rtn(full_range=true) writes them.
TEST(CheckScaleValue, OnlyNotesSignsOfStoredWeights) {
  QdqSketch sketch;
  sketch.input("x", {1, 2});
  sketch.weights("w", codes({2, 2}, {1, 2, 3, 4}, DataType::int8), {0.1F, -0.1F}, 1);
  EXPECT_THAT(said(sketch.node("MatMul", {"x", "w"}, {"y"}).output("y").model(), "scale_value"), HasSubstr("note"));
}

TEST(CheckBiasScale, ComparesWithInputTimesWeightScale) {
  const auto with_scales = [](float first, float second) {
    return said(conv({.bias = std::vector{5, -6}, .bias_scales = {first, second}}).model(), "bias_scale");
  };
  EXPECT_EQ(with_scales(0.0002F, 0.0004F), "");
  EXPECT_THAT(with_scales(0.0002F, 0.000402F), HasSubstr("warning: n_c: its bias has the scale 0.000402"));
  EXPECT_THAT(with_scales(0.0004F, 0.0004F), HasSubstr("error: n_c"));
  EXPECT_EQ(said(conv({.bias = std::vector{0, -6}, .bias_scales = {7.0F, 0.0004F}}).model(), "bias_scale"), "") << "0 in any scale";
}

TEST(CheckBiasOverflow, FindsCutCodesAndLargeFloats) {
  EXPECT_EQ(said(conv({.bias = std::vector{1 << 30, -6}}).model(), "bias_overflow"), "");
  EXPECT_THAT(said(conv({.bias = std::vector{std::numeric_limits<int>::max(), 0}}).model(), "bias_overflow"), HasSubstr("cut off"));
  EXPECT_THAT(said(conv({.bias = std::vector{0, std::numeric_limits<int>::min()}}).model(), "bias_overflow"), HasSubstr("channel 1"));
  EXPECT_EQ(said(conv({.float_bias = std::vector{1.0F, 2.0F}}).model(), "bias_overflow"), "");
  const Model large = conv({.float_bias = std::vector{1.0F, 1e6F}}).model();
  EXPECT_THAT(said(large, "bias_overflow"), AllOf(HasSubstr("error"), HasSubstr("1e+06"), HasSubstr("does not fit")));
  EXPECT_EQ(said(large, "bias_overflow", "openvino"), "") << "it stays float there";
}

TEST(CheckAccumulatorOverflow, AddsTheLargestProductsUp) {
  // 128 below and 127 above the zero point times 10 + 20: far below 2^31; the bias brings it there.
  EXPECT_EQ(said(conv({.bias = std::vector{2'147'483'647 - 3'830, 0}}).model(), "accumulator_overflow"), "")
      << "10 * 127 + 20 * 128 = 3830: just fits";
  EXPECT_THAT(said(conv({.bias = std::vector{2'147'483'647 - 3'829, 0}}).model(), "accumulator_overflow"),
              AllOf(HasSubstr("warning"), HasSubstr("channel 0 can sum up to 2147483648")));
}

TEST(CheckWeightAxis, FindsScalesAlongTheInputChannels) {
  EXPECT_EQ(said(conv({}).model(), "weight_axis"), "");
  EXPECT_THAT(said(conv({.axis = 1}).model(), "weight_axis"),
              AllOf(HasSubstr("error"), HasSubstr("axis 1"), HasSubstr("computes something else")));
  const Model of_three =
      conv({.codes = {1, 2, 3, 4, 5, 6}, .scales = {0.1F, 0.2F, 0.3F}, .zero_points = {0, 0, 0}, .axis = 1, .inputs = 3}).model();
  EXPECT_THAT(said(of_three, "weight_axis"), HasSubstr("the runtime fails on it"));
}

TEST(CheckWeightAxis, KnowsTheAxisOfMatrices) {
  const auto matmul = [](std::int64_t axis) {
    QdqSketch sketch;
    sketch.input("x", {1, 2});
    sketch.weights("w", codes({2, 2}, {1, 2, 3, 4}, DataType::int8), {0.1F, 0.2F}, axis);
    sketch.pair("x", "xd");
    return sketch.node("MatMul", {"xd", "w"}, {"y"}).output("y").model();
  };
  EXPECT_EQ(said(matmul(1), "weight_axis"), "");
  EXPECT_THAT(said(matmul(0), "weight_axis"), HasSubstr("error"));
}

TEST(CheckWeightZeroPoints, FindsThoseThatDiffer) {
  EXPECT_EQ(said(conv({.zero_points = {3, 3}}).model(), "weight_zero_points"), "");
  EXPECT_THAT(said(conv({.zero_points = {3, 4}}).model(), "weight_zero_points"), AllOf(HasSubstr("error"), HasSubstr("refuses")));
}

TEST(CheckMissingZeroPoint, FindsItInAGemmByChannel) {
  const auto gemm = [](bool given) {
    QdqSketch sketch;
    sketch.input("x", {1, 2});
    sketch.pair("x", "xd");
    sketch.constant("w_codes", codes({2, 2}, {1, 2, 3, 4}, DataType::int8)).constant("w_scale", floats({0.1F, 0.2F}));
    sketch.constant("w_zero", codes({2}, {0, 0}, DataType::int8));
    const std::vector<std::string> inputs =
        given ? std::vector<std::string>{"w_codes", "w_scale", "w_zero"} : std::vector<std::string>{"w_codes", "w_scale"};
    sketch.node("DequantizeLinear", inputs, {"w"}, {one("axis", 1)});
    return sketch.node("Gemm", {"xd", "w"}, {"y"}).output("y").model();
  };
  EXPECT_EQ(said(gemm(true), "missing_zero_point"), "");
  EXPECT_THAT(said(gemm(false), "missing_zero_point"), HasSubstr("error: n_y"));
}

TEST(CheckFloatLayer, FindsOneBetweenQuantizers) {
  EXPECT_THAT(said(conv({.float_weights = true}).model(), "float_layer"), AllOf(HasSubstr("error: n_c"), HasSubstr("one scale for all")));
  EXPECT_EQ(said(conv({.float_weights = true, .quantized_behind = false}).model(), "float_layer"), "");
  EXPECT_EQ(said(conv({}).model(), "float_layer"), "");
  EXPECT_EQ(said(conv({.float_weights = true}).model(), "float_layer", "tensorrt"), "") << "it does nothing of the kind";
}

TEST(CheckFloatLayer, LooksThroughWhatQuantizersAreCarriedAcross) {
  QdqSketch sketch;
  sketch.input("x", {1, 2, 4, 4});
  sketch.pair("x", "xd").constant("w", numbers({2, 2, 1, 1}));
  sketch.node("MaxPool", {"xd"}, {"m"}, {ints("kernel_shape", {2, 2})}).node("Conv", {"m", "w"}, {"c"}).node("Relu", {"c"}, {"r"});
  EXPECT_THAT(said(sketch.pair("r", "y").output("y").model(), "float_layer"), HasSubstr("error: n_c"));
}

TEST(CheckBlockActivations, FindsWeightsThatBecomeMatMulNBits) {
  const auto matmul = [](bool turned, DataType type) {
    QdqSketch sketch;
    sketch.input("x", {1, 32});
    sketch.weights("w", random_codes({32, 32}, type), {0.1F}, 1);
    if (turned) sketch.node("Transpose", {"w"}, {"t"}, {ints("perm", {1, 0})});
    return sketch.node("MatMul", {"x", turned ? "t" : "w"}, {"y"}).output("y").model();
  };
  EXPECT_THAT(said(matmul(false, DataType::int8), "block_activations"), AllOf(HasSubstr("warning: n_y"), HasSubstr("accuracy level 4")));
  EXPECT_EQ(said(matmul(true, DataType::int8), "block_activations"), "");
  EXPECT_EQ(said(matmul(false, DataType::int8), "block_activations", "tensorrt"), "");
}

TEST(CheckPairSaturation, SaysTheLargestSum) {
  EXPECT_EQ(said(conv({.codes = {64, 64, -64, -64}}).model(), "pair_saturation"), "") << "255 * 128 = 32640";
  EXPECT_EQ(said(conv({.codes = {127, -127, 100, -28}}).model(), "pair_saturation"), "") << "opposite signs do not add up";
  EXPECT_THAT(said(conv({.codes = {64, 65, 0, 0}}).model(), "pair_saturation"), AllOf(HasSubstr("note: n_c"), HasSubstr("32895")));
}

TEST(CheckSharedInt8, FindsInt8WithSeveralReaders) {
  const auto two_readers = [](DataType type) {
    QdqSketch sketch;
    sketch.input("x", {1, 2, 4, 4});
    sketch.pair("x", "xd", {.zero_point = type == DataType::int8 ? 0 : 128, .type = type});
    sketch.weights("w", codes({2, 2, 1, 1}, {1, 2, 3, 4}, DataType::int8), {0.1F, 0.2F});
    sketch.node("Conv", {"xd", "w"}, {"c"});
    sketch.pair("c", "y").output("y");
    sketch.node("Conv", {"xd", "w"}, {"d"});
    return sketch.pair("d", "z").output("z").model();
  };
  EXPECT_THAT(said(two_readers(DataType::int8), "shared_int8"), HasSubstr("warning: n_c"));
  EXPECT_EQ(said(two_readers(DataType::uint8), "shared_int8"), "");
}

// r is read twice and stays int8, c becomes uint8: seen with 1.30 in a residual network.
TEST(CheckSharedInt8, FindsAdditionsOfWhichOneSideBecomesUint8) {
  const Parameters int8{.scale = 0.02F, .zero_point = 0, .type = DataType::int8};
  QdqSketch sketch;
  sketch.input("x", {1, 4}).input("z", {1, 4});
  sketch.pair("x", "r", int8).pair("z", "c", int8);
  sketch.node("Add", {"r", "c"}, {"s"});
  sketch.pair("s", "sd", int8).node("Tanh", {"r"}, {"t"});
  EXPECT_THAT(said(sketch.output("sd").output("t").model(), "shared_int8"),
              AllOf(HasSubstr("warning: n_s"), HasSubstr("others become uint8")));
}

TEST(CheckFloatArithmetic, GivesTheReasonOfTheLoweringPass) {
  EXPECT_THAT(said(conv({.quantized_behind = false}).model(), "float_arithmetic"),
              AllOf(HasSubstr("warning: n_c: it stays float"), HasSubstr("no QuantizeLinear behind it")));
  EXPECT_EQ(said(conv({}).model(), "float_arithmetic"), "");
  EXPECT_EQ(said(conv({.float_weights = true, .quantized_behind = false}).model(), "float_arithmetic"), "") << "it was left float";
}

TEST(CheckCostlyQuantizers, FindsThemAroundAFloatOperator) {
  const auto around = [](const std::string& type, bool quantized_behind) {
    QdqSketch sketch;
    sketch.input("x", {1, 4});
    sketch.pair("x", "xd").node(type, {"xd"}, {"t"});
    if (quantized_behind) sketch.pair("t", "y");
    return sketch.output(quantized_behind ? "y" : "t").model();
  };
  EXPECT_THAT(said(around("Tanh", true), "costly_quantizers"), AllOf(HasSubstr("warning: n_t"), HasSubstr("pure cost")));
  EXPECT_EQ(said(around("Tanh", false), "costly_quantizers"), "") << "the integers end there";
  EXPECT_EQ(said(around("Sigmoid", true), "costly_quantizers"), "");
  EXPECT_THAT(said(around("Relu", true), "costly_quantizers"), HasSubstr("note: n_t")) << "the layer before it gains";
}

TEST(CheckTargetDescription, HoldsOnnxruntimesFormAgainstTensorrt) {
  const Model model = conv({.bias = std::vector{5, -6}}).model();
  EXPECT_THAT(said(model, std::string(breach::type), "tensorrt"), AllOf(HasSubstr("error: n_c"), HasSubstr("uint8"), HasSubstr("int8")));
  EXPECT_THAT(said(model, std::string(breach::bias), "tensorrt"), HasSubstr("error: n_c: its bias is int32; the target takes float32"));
  const Parameters asymmetric{.scale = 0.02F, .zero_point = 3, .type = DataType::int8};
  EXPECT_THAT(said(conv({.input = asymmetric}).model(), std::string(breach::zero_point), "tensorrt"), HasSubstr("zero point 3"));
  const Parameters symmetric{.scale = 0.02F, .zero_point = 0, .type = DataType::int8};
  EXPECT_THAT(findings_of(conv({.input = symmetric, .quantized_behind = false}).model(), std::string(breach::type), "tensorrt"), IsEmpty());
}

TEST(CheckTargetDescription, KnowsSharedAndFixedParametersAndBounds) {
  const Target npu = read_target(R"({"schema": 1, "name": "npu", "load_failures": ["parameters"], "patterns": [
    {"operators": ["Conv"], "input": {"types": ["uint8"], "least_scale": 0.05}, "weights": {"types": ["int8"], "granularity": ["tensor"]}},
    {"operators": ["MaxPool"], "input": {"types": ["uint8"]}, "output": {"types": ["uint8"], "parameters": "equal"}},
    {"operators": ["Sigmoid"], "input": {"types": ["uint8"]},
     "output": {"types": ["uint8"], "fixed": [{"type": "uint8", "scale": 0.00390625, "zero_point": 0}]}}]})",
                                 "npu.json");
  const auto rules_of = [&](const Model& model) {
    std::set<std::string> rules;
    for (const Finding& finding : check(model, npu).findings) rules.insert(std::string(name_of(finding.severity)) + " " + finding.rule);
    return rules;
  };
  EXPECT_EQ(rules_of(conv({}).model()), (std::set<std::string>{"warning granularity", "warning scale"}));
  const auto around = [](const std::string& type, const Parameters& behind) {
    QdqSketch sketch;
    sketch.input("x", {1, 2, 4, 4});
    sketch.pair("x", "xd");
    sketch.node(type, {"xd"}, {"t"}, type == "MaxPool" ? std::vector{ints("kernel_shape", {2, 2})} : std::vector<Attribute>{});
    return sketch.pair("t", "y", behind).output("y").model();
  };
  EXPECT_THAT(rules_of(around("MaxPool", {})), IsEmpty());
  EXPECT_EQ(rules_of(around("MaxPool", {.scale = 0.03F})), std::set<std::string>{"error parameters"});
  EXPECT_EQ(rules_of(around("Sigmoid", {})), std::set<std::string>{"error parameters"});
  EXPECT_THAT(rules_of(around("Sigmoid", {.scale = 0.00390625F, .zero_point = 0})), IsEmpty());
  EXPECT_EQ(rules_of(around("Tanh", {})), std::set<std::string>{"warning pattern"});
}

TEST(CheckOrder, ErrorsComeFirst) {
  const Model model = conv({.codes = {127, 127, 127, 127}, .bias = std::vector{std::numeric_limits<int>::max(), 0}}).model();
  const CheckReport report = check(model, default_target());
  ASSERT_EQ(report.findings.size(), 3U);
  EXPECT_EQ(report.findings[0].rule, "bias_overflow");
  EXPECT_EQ(report.findings[1].rule, "accumulator_overflow");
  EXPECT_EQ(report.findings[2].rule, "pair_saturation");
  EXPECT_EQ(report.count(Severity::error), 1U);
  EXPECT_EQ(report.count(Severity::note), 1U);
}

TEST(RefuseErrors, NamesNodeAndRule) {
  EXPECT_NO_THROW(refuse_errors(conv({.codes = {127, 127, 127, 127}}).model(), default_target()));
  try {
    refuse_errors(conv({.axis = 1}).model(), default_target());
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid);
    EXPECT_THAT(error.what(), AllOf(HasSubstr("'n_c'"), HasSubstr("weight_axis")));
  }
}

TEST(CheckRules, HaveNamesOfTheirOwn) {
  std::set<std::string_view> names(breach::all.begin(), breach::all.end());
  for (const RuleRow& rule : check_rules()) EXPECT_TRUE(names.insert(rule.name).second) << rule.name;
}

}  // namespace
}  // namespace titrate::engine
