#include "engine/quant/formats/nvfp4.hpp"

#include <gtest/gtest.h>

#include "tests/engine/quant/golden.hpp"
#include "tests/engine/quant/random_weights.hpp"

namespace titrate::engine {
namespace {

TEST(Nvfp4, GivesTheGoldenBlocks) {
  for (const auto& each : golden_cases("nvfp4.json")) {
    SCOPED_TRACE(each["name"].get<std::string>());
    WeightMatrix weights{.rows = 1, .columns = 0, .elements = golden_floats(each["x"]), .transposed = false};
    weights.columns = std::ssize(weights.elements);
    const Nvfp4Matrix matrix = quantize_nvfp4(weights, false);
    EXPECT_EQ(matrix.tensor_scale, golden_float(each["tensor_scale"]));
    EXPECT_EQ(matrix.scales, each["block_scale_codes"].get<std::vector<std::uint8_t>>());
    EXPECT_EQ(matrix.codes, each["codes"].get<std::vector<std::uint8_t>>());
    EXPECT_EQ(dequantized(matrix), golden_floats(each["dequant"]));
  }
}

double noise_of(const WeightMatrix& weights, bool search) {
  const Energies sums = energies(weights, dequantized(quantize_nvfp4(weights, search)));
  return signal_to_noise_db(sums.signal, sums.noise);
}

// The noise of random matrices; neighbouring scales gain 0.6 to 0.8 dB (algorithms A15, A22).
TEST(Nvfp4, HasTheExpectedNoise) {
  for (const auto& [name, distribution] : {std::pair("gauss", Distribution::gauss), std::pair("laplace", Distribution::laplace),
                                           std::pair("uniform", Distribution::uniform)}) {
    const WeightMatrix weights = random_weights(distribution, 64, 4096);
    for (const auto& each : golden_cases("sqnr.json", "nvfp4")) {
      if (each["dist"] != name) continue;
      EXPECT_NEAR(noise_of(weights, false), each["db"].get<double>(), 0.15) << name;
      EXPECT_GT(noise_of(weights, true), noise_of(weights, false) + 0.45) << name;
    }
  }
}

TEST(Nvfp4, ZerosAndTinyTensorsHaveUsableScales) {
  for (const float number : {0.0F, 1e-42F}) {
    const WeightMatrix weights{.rows = 2, .columns = 17, .elements = std::vector<float>(34, number), .transposed = false};
    const Nvfp4Matrix matrix = quantize_nvfp4(weights, false);
    EXPECT_EQ(matrix.blocks(), 2);
    EXPECT_EQ(matrix.tensor_scale, 1.0F);
    EXPECT_EQ(dequantized(matrix), std::vector<float>(34, 0.0F));
  }
}

}  // namespace
}  // namespace titrate::engine
