#include "engine/quant/formats/nf4.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/engine/quant/random_weights.hpp"

namespace titrate::engine {
namespace {

// The number below which a part of a normal distribution lies.
double normal_quantile(double part) {
  double low = -10;
  double high = 10;
  for (int step = 0; step < 200; ++step) {
    const double middle = (low + high) / 2;
    (std::erfc(-middle / std::sqrt(2.0)) / 2 < part ? low : high) = middle;
  }
  return low;
}

// QLoRA's construction: eight quantiles above zero and seven below, evenly spaced in probability, over the largest.
TEST(Nf4, LevelsAreQuantilesOfTheNormalDistribution) {
  const double offset = 0.9677083;
  std::vector<double> levels = {0};
  for (int index = 0; index < 8; ++index) levels.push_back(normal_quantile(offset + (0.5 - offset) * index / 8));
  for (int index = 0; index < 7; ++index) levels.push_back(-normal_quantile(offset + (0.5 - offset) * index / 7));
  std::sort(levels.begin(), levels.end());
  for (std::size_t code = 0; code < 16; ++code) EXPECT_NEAR(static_cast<double>(nf4_levels[code]), levels[code] / levels[15], 1e-6) << code;
}

TEST(Nf4, EveryNumberGetsTheNearestLevel) {
  RandomNumbers numbers(3);
  for (int draw = 0; draw < 2000; ++draw) {
    const auto number = static_cast<float>(2 * numbers.next() - 1);
    const auto distance = [&](float level) { return std::fabs(static_cast<double>(level) - static_cast<double>(number)); };
    const double found = distance(nf4_levels[nearest_nf4(number)]);
    for (const float level : nf4_levels) ASSERT_LE(found, distance(level)) << number;
  }
  for (std::size_t code = 0; code < 16; ++code) EXPECT_EQ(nearest_nf4(nf4_levels[code]), code);
}

TEST(Nf4, GroupsAreScaledByTheirLargestMagnitude) {
  const WeightMatrix weights{.rows = 2, .columns = 5, .elements = {0.5F, -2, 1, 4, 2, 0, 0, 0, -8, 0.1F}, .transposed = false};
  const Nf4Matrix matrix = quantize_nf4(weights, 3);
  EXPECT_EQ(matrix.groups(), 2);
  EXPECT_EQ(matrix.scales, (std::vector<float>{2, 4, 1, 8}));
  EXPECT_EQ(matrix.codes[1], 0);   // -2 / 2
  EXPECT_EQ(matrix.codes[3], 15);  // 4 / 4
  EXPECT_EQ(matrix.codes[8], 0);
  EXPECT_EQ(dequantized(matrix)[8], -8.0F);
  EXPECT_EQ(dequantized(matrix)[5], 0.0F);
  EXPECT_EQ(quantize_nf4(weights, -1).groups(), 1);
}

// Levels for normal weights beat 15 even ones of the same width.
TEST(Nf4, SuitsNormalWeights) {
  const WeightMatrix weights = random_weights(Distribution::gauss, 64, 4096);
  const Energies sums = energies(weights, dequantized(quantize_nf4(weights, 64)));
  const double noise = signal_to_noise_db(sums.signal, sums.noise);
  EXPECT_GT(noise, 19.9);  // integers: between 18.6 (128) and 20.3 (32), algorithms A22
  EXPECT_LT(noise, 21.5);
}

}  // namespace
}  // namespace titrate::engine
