#include "engine/quant/formats/mx.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "engine/base/text.hpp"
#include "tests/engine/quant/golden.hpp"
#include "tests/engine/quant/random_weights.hpp"

namespace titrate::engine {
namespace {

struct Named {
  const char* golden;  // in mx.json
  const char* noise;   // in sqnr.json
  MxFormat format;
};
constexpr Named formats[] = {{"MXFP8_E4M3", "E4M3FN", MxFormat::fp8_e4m3}, {"MXFP8_E5M2", "E5M2", MxFormat::fp8_e5m2},
                             {"MXFP6_E3M2", "E3M2", MxFormat::fp6_e3m2},   {"MXFP6_E2M3", "E2M3", MxFormat::fp6_e2m3},
                             {"MXFP4_E2M1", "E2M1", MxFormat::fp4},        {"MXINT8", "INT8", MxFormat::int8}};

void expect_golden_block(const std::vector<float>& block, const nlohmann::json& expected, const MxElement& element, MxRule rule) {
  std::vector<std::uint8_t> codes(block.size());
  const std::uint8_t scale = quantize_mx(block, element, rule, codes);
  EXPECT_EQ(scale, expected["scale_code"].get<int>());
  EXPECT_EQ(codes, expected["codes"].get<std::vector<std::uint8_t>>());
  if (scale == mx_nan || !expected.contains("dequant")) return;
  std::vector<float> back(block.size());
  dequantize_mx(codes, element, scale, back);
  EXPECT_EQ(back, golden_floats(expected["dequant"]));
}

TEST(Mx, GivesTheGoldenBlocks) {
  for (const auto& each : golden_cases("mx.json")) {
    const std::vector<float> block = golden_floats(each["x"]);
    for (const Named& named : formats) {
      for (const auto& [name, rule] :
           {std::pair("floor", MxRule::floor), std::pair("even", MxRule::even), std::pair("rceil", MxRule::rceil)}) {
        SCOPED_TRACE(cat(each["block"].get<std::string>(), " ", named.golden, " ", name));
        expect_golden_block(block, each["out"].at(cat(named.golden, "/", name)), mx_element(named.format), rule);
      }
    }
  }
}

double noise_of(const WeightMatrix& weights, MxFormat format, MxRule rule) {
  const Energies sums = energies(weights, dequantized(quantize_mx(weights, mx_element(format), rule), mx_element(format)));
  return signal_to_noise_db(sums.signal, sums.noise);
}

// The noise of random matrices (algorithms A22), with the tolerance for another generator.
TEST(Mx, HasTheExpectedNoise) {
  for (const auto& [name, distribution] : {std::pair("gauss", Distribution::gauss), std::pair("laplace", Distribution::laplace),
                                           std::pair("uniform", Distribution::uniform)}) {
    const WeightMatrix weights = random_weights(distribution, 64, 4096);
    for (const auto& each : golden_cases("sqnr.json", "mx32")) {
      if (each["dist"] != name) continue;
      for (const Named& named : formats) {
        if (each["fmt"] != named.noise) continue;
        EXPECT_NEAR(noise_of(weights, named.format, MxRule::floor), each["db"].get<double>(), 0.15) << each.dump();
        EXPECT_NEAR(noise_of(weights, named.format, MxRule::best), each["db_search"].get<double>(), 0.15) << each.dump();
      }
    }
  }
}

TEST(Mx, TheSearchIsNeverWorseThanARule) {
  const WeightMatrix weights = random_weights(Distribution::laplace, 8, 100);
  for (const Named& named : formats) {
    for (const MxRule rule : {MxRule::floor, MxRule::even, MxRule::rceil})
      EXPECT_GE(noise_of(weights, named.format, MxRule::best), noise_of(weights, named.format, rule)) << named.golden;
  }
}

TEST(Mx, EveryCodeOfEveryScaleIsKept) {
  for (const Named& named : formats) {
    const MxElement& element = mx_element(named.format);
    if (element.codes == nullptr) continue;
    for (int scale = 20; scale < 230; ++scale) {
      // Its largest value in the block settles the scale.
      std::vector<std::uint8_t> codes(mx_block, encode(*element.codes, element.largest));
      for (unsigned code = 1; code < codes.size(); ++code) codes[code] = static_cast<std::uint8_t>(code % (1U << element.codes->bits()));
      std::vector<float> block(codes.size());
      dequantize_mx(codes, element, static_cast<std::uint8_t>(scale), block);
      std::vector<std::uint8_t> found(codes.size());
      ASSERT_EQ(quantize_mx(block, element, MxRule::floor, found), scale) << named.golden;
      ASSERT_EQ(found, codes) << named.golden << " " << scale;
    }
  }
}

TEST(Mx, RowsBeginABlockAndTheLastOneIsShort) {
  const WeightMatrix weights = random_weights(Distribution::gauss, 3, 45);
  const MxElement& element = mx_element(MxFormat::fp4);
  const MxMatrix matrix = quantize_mx(weights, element, MxRule::floor);
  ASSERT_EQ(matrix.blocks(), 2);
  for (std::size_t row = 0; row < 3; ++row) {
    std::vector<std::uint8_t> codes(13);
    EXPECT_EQ(quantize_mx(weights.row(static_cast<std::int64_t>(row)).subspan(32), element, MxRule::floor, codes),
              matrix.scales[2 * row + 1]);
    EXPECT_TRUE(std::equal(codes.begin(), codes.end(), matrix.codes.begin() + static_cast<std::ptrdiff_t>(row * 45 + 32)));
  }
}

TEST(Mx, ALeastScaleIsKept) {
  std::vector<std::uint8_t> codes(2);
  EXPECT_EQ(quantize_mx(std::vector<float>{0x1p-126F, 0x1p-121F}, mx_element(MxFormat::int8), MxRule::best, codes, 6), 6);
  EXPECT_EQ(codes, (std::vector<std::uint8_t>{2, 64}));
}

}  // namespace
}  // namespace titrate::engine
