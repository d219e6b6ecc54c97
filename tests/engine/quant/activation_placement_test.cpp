// Which values of small graphs are quantized, and with which parameters.
#include "engine/quant/activation_placement.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/engine/quant/quantized_sketch.hpp"

namespace titrate::engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr std::int64_t channels = 4;

// x [1,4,8,8] and weights for convolutions of 4 channels.
Sketch begun() {
  Sketch sketch(13);
  sketch.input("x", {1, channels, 8, 8});
  return sketch;
}

Sketch& conv(Sketch& sketch, const std::string& input, const std::string& output, std::int64_t inputs = channels) {
  sketch.constant(output + "_w", numbers({channels, inputs, 1, 1}, static_cast<std::uint32_t>(output.size() + 1)));
  return sketch.node("Conv", {input, output + "_w"}, {output});
}

Sketch& relu(Sketch& sketch, const std::string& input, const std::string& output) { return sketch.node("Relu", {input}, {output}); }

Sketch& gemm(Sketch& sketch, const std::string& input, const std::string& output, std::int64_t columns) {
  sketch.constant(output + "_w", numbers({columns, 3}, 5));
  return sketch.node("Gemm", {input, output + "_w"}, {output});
}

Model conv_relu_conv() {
  Sketch sketch = begun();
  conv(sketch, "x", "a");
  relu(sketch, "a", "r");
  return conv(sketch, "r", "y").output("y").model();
}

TEST(ActivationPlacement, QuantizesAroundConvolutionsAndDropsTheRelu) {
  const NamedPlacement placement = placed(conv_relu_conv(), "static_int8()", {{"r", {0.0F, 2.0F}}});
  EXPECT_THAT(placement.names(), UnorderedElementsAre("x", "r", "y"));
  EXPECT_THAT(placement.before_activation, IsEmpty());
  EXPECT_EQ(placement.quantized.at("r").type, DataType::uint8);
  EXPECT_EQ(placement.parameters("r"), (AffineParameters{2.0F / 255, 0}));
  EXPECT_EQ(placement.parameters("x"), asymmetric_parameters(-1, 1, unsigned_range(8)));
}

TEST(ActivationPlacement, KeepsTheReluWhereCodesReachBelowZero) {
  const NamedPlacement placement = placed(conv_relu_conv(), "static_int8(act_sym=true)", {{"r", {0.0F, 2.0F}}});
  EXPECT_THAT(placement.names(), UnorderedElementsAre("x", "r", "y"));
  ASSERT_TRUE(placement.before_activation.contains("a"));
  EXPECT_EQ(placement.before_activation.at("a").parameters, placement.parameters("r"));
  EXPECT_EQ(placement.parameters("r"), (AffineParameters{2.0F / 127, 128}));
  EXPECT_EQ(placement.quantized.at("r").range, unsigned_range(8));
}

TEST(ActivationPlacement, GivesSixteenBitsTheirRanges) {
  const Ranges ranges = {{"r", {0.0F, 2.0F}}};
  const NamedPlacement plain = placed(conv_relu_conv(), "static_int8(act=u16)", ranges);
  EXPECT_THAT(plain.before_activation, IsEmpty());
  EXPECT_EQ(plain.quantized.at("r").type, DataType::uint16);
  EXPECT_EQ(plain.parameters("r"), (AffineParameters{2.0F / 65535, 0}));
  EXPECT_EQ(plain.parameters("x"), asymmetric_parameters(-1, 1, unsigned_range(16)));
  const NamedPlacement centred = placed(conv_relu_conv(), "static_int8(act=u16,act_sym=true)", ranges);
  EXPECT_EQ(centred.parameters("r"), (AffineParameters{2.0F / 32767, 32768}));
  const NamedPlacement both = placed(conv_relu_conv(), "static_int8(act=s16)", ranges);
  EXPECT_EQ(both.quantized.at("r").type, DataType::int16);
  EXPECT_EQ(both.parameters("r"), (AffineParameters{2.0F / 65535, -32768}));
  const NamedPlacement narrow = placed(conv_relu_conv(), "static_int8(act=s16,act_sym=true)", ranges);
  EXPECT_EQ(narrow.parameters("r"), (AffineParameters{2.0F / 32767, 0}));
  EXPECT_EQ(narrow.quantized.at("r").range, narrow_range(16));
}

TEST(ActivationPlacement, CoversResidualAdditionsWithTheirRelu) {
  Sketch sketch = begun();
  conv(sketch, "x", "a");
  relu(sketch, "a", "r");
  conv(sketch, "r", "c");
  sketch.node("Add", {"r", "c"}, {"s"});
  relu(sketch, "s", "t");
  const Model model = conv(sketch, "t", "y").output("y").model();
  const NamedPlacement placement = placed(model, "static_int8()", {{"r", {0.0F, 2.0F}}, {"t", {0.0F, 3.0F}}});
  EXPECT_THAT(placement.names(), UnorderedElementsAre("x", "r", "c", "t", "y"));
  EXPECT_THAT(placement.before_activation, IsEmpty());
  EXPECT_EQ(placement.parameters("t"), (AffineParameters{3.0F / 255, 0}));
}

// relu_right: the second branch has a Relu too. pooled: the first goes through MaxPool.
Model two_branches(bool relu_right, bool pooled) {
  Sketch sketch = begun();
  conv(sketch, "x", "a");
  relu(sketch, "a", "left");
  if (pooled) sketch.node("MaxPool", {"left"}, {"pool"}, {ints("kernel_shape", {3, 3}), ints("pads", {1, 1, 1, 1})});
  conv(sketch, "x", "b");
  if (relu_right) relu(sketch, "b", "right");
  sketch.node("Concat", {pooled ? "pool" : "left", relu_right ? "right" : "b"}, {"both"}, {one("axis", 1)});
  return conv(sketch, "both", "y", 2 * channels).output("y").model();
}

TEST(ActivationPlacement, SharesOneScaleAroundAConcatenationOfRelus) {
  const NamedPlacement placement =
      placed(two_branches(true, false), "static_int8()", {{"left", {0.0F, 1.0F}}, {"right", {0.0F, 3.0F}}, {"both", {0.0F, 3.0F}}});
  const AffineParameters shared{3.0F / 255, 0};
  EXPECT_EQ(placement.parameters("left"), shared);
  EXPECT_EQ(placement.parameters("right"), shared);
  EXPECT_EQ(placement.parameters("both"), shared);
  EXPECT_THAT(placement.before_activation, IsEmpty());
}

TEST(ActivationPlacement, DoesNotShareWhereAReluWouldHaveToBeComputed) {
  const NamedPlacement placement =
      placed(two_branches(false, false), "static_int8()", {{"left", {0.0F, 1.0F}}, {"b", {-2.0F, 3.0F}}, {"both", {-2.0F, 3.0F}}});
  EXPECT_EQ(placement.parameters("left"), (AffineParameters{1.0F / 255, 0}));
  EXPECT_EQ(placement.parameters("b"), asymmetric_parameters(-2, 3, unsigned_range(8)));
  EXPECT_THAT(placement.before_activation, IsEmpty());
}

// The Relu shares the scale of the MaxPool behind it, which the Concat reads.
TEST(ActivationPlacement, DoesNotShareWhereAReluFurtherAwayWouldHaveToBeComputed) {
  const NamedPlacement placement = placed(two_branches(false, true), "static_int8()",
                                          {{"left", {0.0F, 1.0F}}, {"pool", {0.0F, 1.0F}}, {"b", {-2.0F, 3.0F}}, {"both", {-2.0F, 3.0F}}});
  EXPECT_EQ(placement.parameters("left"), (AffineParameters{1.0F / 255, 0}));
  EXPECT_EQ(placement.parameters("pool"), placement.parameters("left"));
  EXPECT_THAT(placement.before_activation, IsEmpty());
}

TEST(ActivationPlacement, SharesParametersAcrossWhatOnlyMovesCodes) {
  Sketch sketch = begun();
  conv(sketch, "x", "a");
  relu(sketch, "a", "r");
  sketch.node("MaxPool", {"r"}, {"m"}, {ints("kernel_shape", {2, 2}), ints("strides", {2, 2})});
  sketch.constant("shape", int64s({1, 16, 4}));
  sketch.node("Reshape", {"m", "shape"}, {"s"});
  sketch.node("Flatten", {"s"}, {"f"});
  const Model model = gemm(sketch, "f", "y", 64).output("y").model();
  const NamedPlacement placement =
      placed(model, "static_int8()", {{"r", {0.0F, 2.0F}}, {"m", {0.0F, 1.5F}}, {"s", {0.0F, 1.5F}}, {"f", {0.0F, 1.5F}}});
  EXPECT_THAT(placement.names(), UnorderedElementsAre("x", "r", "m", "s", "f")) << "the Gemm gives floats";
  for (const std::string name : {"r", "m", "s", "f"}) EXPECT_EQ(placement.parameters(name), (AffineParameters{2.0F / 255, 0})) << name;
}

Model conv_clip_conv(float low, float high) {
  Sketch sketch = begun();
  conv(sketch, "x", "a");
  sketch.constant("low", Tensor::scalar(low)).constant("high", Tensor::scalar(high));
  sketch.node("Clip", {"a", "low", "high"}, {"c"});
  return conv(sketch, "c", "y").output("y").model();
}

TEST(ActivationPlacement, TakesRelu6IntoTheQuantizer) {
  for (const float largest : {6.0F, 4.5F}) {
    const NamedPlacement placement = placed(conv_clip_conv(0, 6), "static_int8()", {{"c", {0.0F, largest}}});
    EXPECT_THAT(placement.names(), UnorderedElementsAre("x", "c", "y"));
    EXPECT_THAT(placement.before_activation, IsEmpty());
    EXPECT_EQ(placement.parameters("c"), (AffineParameters{largest / 255, 0}));
  }
}

TEST(ActivationPlacement, KeepsAClipThatCutsInsideTheRange) {
  const NamedPlacement symmetric = placed(conv_clip_conv(0, 6), "static_int8(act_sym=true)", {{"c", {0.0F, 6.0F}}});
  EXPECT_TRUE(symmetric.before_activation.contains("a"));
  const NamedPlacement positive = placed(conv_clip_conv(0.5F, 6), "static_int8()", {{"c", {0.5F, 6.0F}}});
  EXPECT_THAT(positive.names(), UnorderedElementsAre("x", "a", "c", "y")) << "zero is not among its results: a plain float operator";
}

TEST(ActivationPlacement, StoresInt8OfSeveralReadersAsUint8) {
  Sketch sketch = begun();
  conv(sketch, "x", "a");
  conv(sketch, "a", "b");
  conv(sketch, "a", "c");
  const Model model = sketch.output("b").output("c").model();
  const NamedPlacement placement = placed(model, "static_int8(act=s8)", {{"a", {-1.0F, 3.0F}}});
  const AffineParameters as_signed = asymmetric_parameters(-1, 3, signed_range(8));
  EXPECT_EQ(placement.quantized.at("a").type, DataType::uint8);
  EXPECT_EQ(placement.parameters("a"), (AffineParameters{as_signed.scale, as_signed.zero_point + 128}));
  EXPECT_EQ(placement.quantized.at("a").range, unsigned_range(8));
  EXPECT_EQ(placement.quantized.at("x").type, DataType::int8) << "one reader";
  EXPECT_THAT(placement.remarks.at("n_b"), HasSubstr("uint8"));
}

Model pooled_head(bool with_gemm) {
  Sketch sketch = begun();
  conv(sketch, "x", "a");
  relu(sketch, "a", "r");
  sketch.node("GlobalAveragePool", {"r"}, {"g"});
  sketch.node("Flatten", {"g"}, {"f"});
  if (with_gemm) return gemm(sketch, "f", "y", channels).output("y").model();
  return sketch.node("Softmax", {"f"}, {"y"}).output("y").model();
}

TEST(ActivationPlacement, AveragesAsIntegersOnlyWhereIntegersAreWanted) {
  EXPECT_THAT(placed(pooled_head(true), "static_int8()").names(), UnorderedElementsAre("x", "r", "g", "f"));
  EXPECT_THAT(placed(pooled_head(false), "static_int8()").names(), UnorderedElementsAre("x", "r"));
}

TEST(ActivationPlacement, LeavesFloatNodesAlone) {
  EXPECT_THAT(placed(conv_relu_conv(), "rtn()").names(), IsEmpty());
  EXPECT_THAT(placed(conv_relu_conv(), "static_int8() | name:n_a = float", {{"r", {0.0F, 2.0F}}}).names(), UnorderedElementsAre("r", "y"));
}

TEST(ActivationPlacement, RoundsInputsOfFloat8Nodes) {
  const NamedPlacement placement = placed(conv_relu_conv(), "fp8()", {{"r", {0.0F, 2.0F}}});
  EXPECT_THAT(placement.names(), UnorderedElementsAre("x", "r"));
  EXPECT_EQ(placement.quantized.at("r").type, DataType::float8e4m3fn);
  EXPECT_FLOAT_EQ(placement.parameters("r").scale, 2.0F / 448);
  EXPECT_THAT(placed(conv_relu_conv(), "fp8(weights_only=true)").names(), IsEmpty());
}

// What lies before an activation that belongs to the layer is never quantized with a range of its own.
TEST(ActivationPlacement, ObservesWhatMayBeQuantized) {
  EXPECT_THAT(observed_values(conv_relu_conv().graph), UnorderedElementsAre("x", "r", "y"));
  Sketch gated = begun();
  conv(gated, "x", "a");
  gated.node("Sigmoid", {"a"}, {"s"}).node("Mul", {"a", "s"}, {"m"}).node("Exp", {"m"}, {"y"});
  EXPECT_THAT(observed_values(gated.output("y").model().graph), UnorderedElementsAre("x", "a", "s", "m"));
  // An Add that corrects a bias may stand between them.
  Sketch product(13);
  product.input("x", {1, 8}).constant("w", numbers({8, 8}, 3)).node("MatMul", {"x", "w"}, {"p"}).node("Relu", {"p"}, {"y"});
  EXPECT_THAT(observed_values(product.output("y").model().graph), UnorderedElementsAre("x", "p", "y"));
}

TEST(ActivationPlacement, RefusesMissingAndNanOnlyStatistics) {
  const Model prepared = prepare_float_model(conv_relu_conv());
  const auto assignments = assign(prepared.graph, parse_config("static_int8()"));
  const auto refusal = [&](const CalibrationStatistics& statistics) -> std::string {
    try {
      (void)place_activations(prepared.graph, assignments, statistics);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid);
      return error.what();
    }
    return "accepted";
  };
  EXPECT_THAT(refusal({}), HasSubstr("--calibration"));
  CalibrationStatistics statistics = statistics_for(prepared.graph);
  statistics["r"] = ValueStatistics();
  statistics["r"].add(extent_of(std::vector<float>{std::numeric_limits<float>::quiet_NaN()}));
  EXPECT_THAT(refusal(statistics), testing::AllOf(HasSubstr("'r'"), HasSubstr("NaN")));
}

}  // namespace
}  // namespace titrate::engine
