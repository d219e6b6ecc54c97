#include "engine/quant/affine.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/engine/quant/golden.hpp"

namespace titrate::engine {
namespace {

TEST(Affine, QuantizesAsTheGoldenVectorsSay) {
  for (const auto& each : golden_cases("affine.json", "quantize")) {
    const AffineParameters parameters{.scale = golden_float(each["scale"]), .zero_point = each["zero_point"]};
    const IntegerRange range{each["qmin"], each["qmax"]};
    const std::vector<float> numbers = golden_floats(each["x"]);
    for (std::size_t index = 0; index < numbers.size(); ++index) {
      EXPECT_EQ(quantize(numbers[index], parameters, range), each["q"][index].get<int>())
          << numbers[index] << " / " << parameters.scale << " + " << parameters.zero_point;
    }
  }
}

// Multiplying by a reciprocal, and dividing in double, give other codes for these numbers.
TEST(Affine, DividesInFloat32) {
  const auto quotients = golden_cases("affine.json", "divide_vs_reciprocal").at(0);
  for (const auto& item : quotients["items"]) {
    const AffineParameters parameters{.scale = golden_float(item["scale"]), .zero_point = 0};
    EXPECT_EQ(quantize(golden_float(item["x"]), parameters, signed_range(8)), item["q_divide"].get<int>());
    EXPECT_NE(item["q_divide"], item["q_reciprocal"]);
  }
  const auto ties = golden_cases("affine.json", "float32_vs_exact_quotient").at(0);
  for (const auto& item : ties["items"]) {
    const AffineParameters parameters{.scale = golden_float(item["scale"]), .zero_point = 0};
    EXPECT_EQ(quantize(golden_float(item["x"]), parameters, signed_range(8)), item["q_float32"].get<int>());
  }
}

TEST(Affine, FindsSymmetricScales) {
  for (const auto& each : golden_cases("affine.json", "sym_scale")) {
    const int bits = each["bits"];
    if (each["mode"] == "half_range") continue;
    const int most = each["mode"] == "narrow" ? narrow_range(bits).most : -signed_range(bits).least;
    const AffineParameters parameters = symmetric_parameters(golden_float(each["amax"]), most);
    EXPECT_EQ(parameters.scale, golden_float(each["scale"])) << each.dump();
    EXPECT_EQ(parameters.zero_point, 0);
  }
}

TEST(Affine, FindsAsymmetricParameters) {
  for (const auto& each : golden_cases("affine.json", "asym_params")) {
    const IntegerRange range{each["qmin"], each["qmax"]};
    const float low = golden_float(each["lo"]);
    const float high = golden_float(each["hi"]);
    const AffineParameters parameters = asymmetric_parameters(low, high, range);
    EXPECT_EQ(parameters.scale, golden_float(each["scale"])) << each.dump();
    EXPECT_EQ(parameters.zero_point, each["zero_point"].get<int>()) << each.dump();
    EXPECT_EQ(quantize(low, parameters, range), each["q_lo"].get<int>()) << each.dump();
    EXPECT_EQ(quantize(high, parameters, range), each["q_hi"].get<int>()) << each.dump();
    EXPECT_EQ(dequantize(quantize(low, parameters, range), parameters), golden_float(each["dq_lo"])) << each.dump();
    EXPECT_EQ(dequantize(quantize(high, parameters, range), parameters), golden_float(each["dq_hi"])) << each.dump();
  }
}

// hi - lo does not fit into a float32 here, the scale does.
TEST(Affine, CoversRangesWiderThanTheLargestFloat) {
  constexpr float largest = std::numeric_limits<float>::max();
  const AffineParameters parameters = asymmetric_parameters(-largest, largest, unsigned_range(8));
  ASSERT_TRUE(std::isfinite(parameters.scale));
  EXPECT_EQ(parameters.zero_point, 128);
  EXPECT_LE(quantize(-largest, parameters, unsigned_range(8)), 1);
  EXPECT_EQ(quantize(largest, parameters, unsigned_range(8)), 255);
}

TEST(Affine, QuantizesBiases) {
  for (const auto& each : golden_cases("affine.json", "bias_int32")) {
    const float scale = golden_float(each["s_x"]) * golden_float(each["s_w"]);
    EXPECT_EQ(scale, golden_float(each["scale"]));
    EXPECT_EQ(quantize_bias(golden_float(each["bias"]), scale), each["q"].get<int>()) << each.dump();
  }
  EXPECT_EQ(quantize_bias(0, 0), 0) << "a product of tiny scales is zero";
}

TEST(Affine, MeasuresSignalToNoise) {
  EXPECT_DOUBLE_EQ(signal_to_noise_db(100, 1), 20);
  EXPECT_DOUBLE_EQ(signal_to_noise_db(1, 0), 999);
  EXPECT_DOUBLE_EQ(signal_to_noise_db(0, 1), 0);
  EXPECT_DOUBLE_EQ(signal_to_noise_db(0, 0), 999);
}

}  // namespace
}  // namespace titrate::engine
