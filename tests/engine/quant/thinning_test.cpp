#include "engine/quant/observers/thinning.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <random>
#include <span>
#include <vector>

#include "engine/quant/calibrators/calibrator.hpp"

namespace titrate::engine {
namespace {

constexpr std::size_t many = 700001;  // not a whole number of stretches

std::vector<float> noise(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> distribution(0.1F, 1.0F);
  std::vector<float> numbers(count);
  for (float& number : numbers) number = distribution(random);
  return numbers;
}

std::uint64_t total(std::span<const std::uint64_t> counts) { return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0}); }

// How often each number is counted.
std::vector<std::uint64_t> weights_of(const Thinned& thinned, std::size_t count) {
  std::vector<std::uint64_t> weights(count);
  for (const CountedStretch& each : thinned.stretches) {
    for (std::size_t i = each.first; i < std::min(each.first + stretch_size, count); ++i) {
      EXPECT_EQ(weights[i], 0U) << "counted twice";
      weights[i] = each.weight;
    }
  }
  return weights;
}

TEST(Thinning, CountsWhatReachesFarthestOnce) {
  std::vector<float> numbers = noise(many, 1);
  for (std::size_t i = 0; i < 100; ++i) numbers[i * 6999 + 1] = i % 2 == 0 ? 30.0F : -30.0F;
  const std::vector<std::uint64_t> weights = weights_of(thin_out(numbers), many);
  std::vector<float> sizes;
  for (const float number : numbers) sizes.push_back(std::fabs(number));
  std::nth_element(sizes.begin(), sizes.begin() + many / 4096, sizes.end(), std::greater<>());
  const float limit = sizes[many / 4096];  // of the largest in 4096
  for (std::size_t i = 0; i < many; ++i) {
    if (std::fabs(numbers[i]) > limit) ASSERT_EQ(weights[i], 1U) << numbers[i];
  }
}

TEST(Thinning, CountsAFifthForAll) {
  const std::vector<std::uint64_t> weights = weights_of(thin_out(noise(many, 2)), many);
  EXPECT_NEAR(static_cast<double>(total(weights)), many, 8 * stretch_size);
  const auto counted = many - static_cast<std::size_t>(std::count(weights.begin(), weights.end(), 0U));
  EXPECT_LT(counted, many / 5);
}

TEST(Thinning, FindsTheRangeOfAll) {
  std::vector<float> numbers = noise(many, 3);
  numbers[700000] = 50.0F;
  numbers[5] = -60.0F;
  numbers[400000] = std::numeric_limits<float>::infinity();
  numbers[400001] = std::numeric_limits<float>::quiet_NaN();
  const ops::FloatRange range = thin_out(numbers).range;
  EXPECT_EQ(range.lowest, -60.0F);
  EXPECT_EQ(range.highest, 50.0F);
  EXPECT_EQ(range.not_finite, 2U);
}

// Channels as neighbours: one in eight is another, over and over. Whatever the period, its share of the counts is right.
TEST(Thinning, KeepsNoStepWithAPeriod) {
  for (const std::size_t period : {1024U, 2048U, 768U, 8192U}) {
    std::vector<float> numbers = noise(many, 4);
    std::uint64_t others = 0;
    for (std::size_t i = 0; i < many; ++i) {
      if (i % period < period / 8) numbers[i] = 3.5F, ++others;
    }
    const std::vector<std::uint64_t> weights = weights_of(thin_out(numbers), many);
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < many; ++i) seen += numbers[i] == 3.5F ? weights[i] : 0;
    EXPECT_NEAR(static_cast<double>(seen), static_cast<double>(others), 0.5 * static_cast<double>(others)) << period;
  }
}

TEST(Thinning, TakesWhatHasNoEnds) {
  for (const float same : {0.0F, -0.0F, 2.0F, std::numeric_limits<float>::quiet_NaN()}) {
    const std::vector<float> numbers(many, same);
    StreamingHistogram histogram;
    const ops::FloatRange range = histogram.add_thinned(numbers);
    EXPECT_EQ(range.not_finite, std::isnan(same) ? many : 0U);
    EXPECT_NEAR(static_cast<double>(total(histogram.positive())), std::isnan(same) ? 0 : many, 8 * stretch_size);
    EXPECT_EQ(total(histogram.negative()), 0U);
  }
}

TEST(Thinning, LeavesSmallActivationsWhole) {
  const std::vector<float> numbers = noise(most_counted_whole, 5);
  StreamingHistogram whole;
  StreamingHistogram thinned;
  (void)whole.add(numbers);
  (void)thinned.add_thinned(numbers);
  EXPECT_TRUE(std::ranges::equal(whole.positive(), thinned.positive()));
  EXPECT_TRUE(std::ranges::equal(whole.negative(), thinned.negative()));
}

TEST(Thinning, MovesTheRangesOfCalibratorsByLittle) {
  ValueStatistics whole;
  ValueStatistics thinned;
  for (unsigned sample = 0; sample < 4; ++sample) {
    std::vector<float> numbers = noise(many, 10 + sample);
    if (sample == 2) numbers[12345] = 40.0F;  // one that mse weighs heavily
    whole.add(extent_of_range(whole.histogram.add(numbers)));
    thinned.add(extent_of_range(thinned.histogram.add_thinned(numbers)));
  }
  EXPECT_EQ(whole.histogram.width_log2(), thinned.histogram.width_log2());
  const double width = whole.histogram.width();
  for (const CalibratorRow& row : calibrators()) {
    for (const double percentile : {99.0, 99.9, 99.99, 100.0}) {
      if (row.kind != CalibratorKind::percentile && percentile < 100) continue;
      const CalibrationRequest request{.symmetric = false, .levels = 256, .percentile = percentile};
      const ValueRange exact = row.range(whole, request);
      const ValueRange got = row.range(thinned, request);
      EXPECT_TRUE(row.needs_histogram || got == exact) << row.name;
      // Bins of few numbers decide entropy: other samples of the same numbers move it by 5 % too.
      const bool far_end = row.kind == CalibratorKind::percentile && percentile >= 99.99;
      const double near = far_end ? width / 8 : row.kind == CalibratorKind::percentile ? 2 * width : 0.12 * static_cast<double>(exact.high);
      EXPECT_NEAR(got.high, exact.high, near) << row.name << ' ' << percentile;
      EXPECT_NEAR(got.low, exact.low, near) << row.name << ' ' << percentile;
    }
  }
}

}  // namespace
}  // namespace titrate::engine
