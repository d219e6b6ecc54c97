#include "engine/quant/observers/histogram.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "engine/quant/observers/histogram_counter.hpp"
#include "engine/quant/observers/value_statistics.hpp"
#include "tests/engine/quant/golden.hpp"

namespace titrate::engine {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;

void expect_same(const StreamingHistogram& left, const StreamingHistogram& right) {
  EXPECT_EQ(left.width_log2(), right.width_log2());
  EXPECT_THAT(left.positive(), ElementsAreArray(right.positive().begin(), right.positive().end()));
  EXPECT_THAT(left.negative(), ElementsAreArray(right.negative().begin(), right.negative().end()));
}

TEST(StreamingHistogram, CountsTheGoldenStreamsInAnyOrder) {
  for (const auto& each : golden_cases("calib.json", "stream_pow2")) {
    std::vector<std::vector<float>> batches;
    for (const auto& batch : each["batches"]) batches.push_back(golden_floats(batch));
    for (int order = 0; order < 8; ++order) {
      StreamingHistogram histogram(each["bins"]);
      for (const auto& batch : batches) histogram.add(batch);
      EXPECT_EQ(histogram.width_log2(), each["width_log2"].get<int>());
      EXPECT_EQ(histogram.magnitudes(), each["hist"].get<std::vector<std::uint64_t>>());
      std::rotate(batches.begin(), batches.begin() + 1, batches.end());
      if (order % 2 == 1) std::reverse(batches.begin(), batches.end());
    }
  }
}

TEST(StreamingHistogram, MergesPartsToTheSameCounts) {
  for (const auto& each : golden_cases("calib.json", "stream_pow2")) {
    const int bins = each["bins"];
    StreamingHistogram whole(bins);
    std::vector<StreamingHistogram> parts(3, StreamingHistogram(bins));
    for (std::size_t index = 0; index < each["batches"].size(); ++index) {
      const std::vector<float> batch = golden_floats(each["batches"][index]);
      whole.add(batch);
      parts[index % 3].add(batch);
    }
    StreamingHistogram forwards(bins);
    for (const auto& part : parts) forwards.merge(part);
    std::reverse(parts.begin(), parts.end());
    StreamingHistogram backwards(bins);
    for (const auto& part : parts) backwards.merge(part);
    expect_same(forwards, whole);
    expect_same(backwards, whole);
    EXPECT_EQ(forwards.magnitudes(), each["hist"].get<std::vector<std::uint64_t>>());
  }
}

// By hand: 4 bins; 3.9 fits bins of width 1; 4 does not, so the width becomes 2.
TEST(StreamingHistogram, FoldsNeighboursWhenANumberDoesNotFit) {
  StreamingHistogram histogram(4);
  histogram.add(std::vector<float>{0.0F, -0.0F, 1.0F, 2.5F, 3.9F, -3.0F});
  EXPECT_EQ(histogram.width_log2(), 0);
  EXPECT_THAT(histogram.positive(), ElementsAre(2, 1, 1, 1));
  EXPECT_THAT(histogram.negative(), ElementsAre(0, 0, 0, 1));
  histogram.add(std::vector<float>{4.0F});
  EXPECT_EQ(histogram.width_log2(), 1);
  EXPECT_THAT(histogram.positive(), ElementsAre(3, 2, 1, 0));
  EXPECT_THAT(histogram.negative(), ElementsAre(0, 1, 0, 0));
}

// Half of them zeros, the largest ones last; an infinity in between.
TEST(StreamingHistogram, CountsALargeArrayWhoseNumbersGrow) {
  std::vector<float> numbers(300001);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const float size = std::ldexp(1.0F + static_cast<float>(i % 1000) / 1000, static_cast<int>(i / 30000) - 5);
    numbers[i] = i % 2 == 0 ? 0.0F : i % 3 == 0 ? -size : size;
  }
  numbers[77777] = std::numeric_limits<float>::infinity();
  StreamingHistogram histogram(64);
  const ops::FloatRange range = histogram.add(numbers);
  EXPECT_EQ(range.not_finite, 1U);
  std::vector<std::uint64_t> positive(64), negative(64);
  for (const float number : numbers) {
    if (!std::isfinite(number)) continue;
    ++(number < 0 ? negative : positive)[static_cast<std::size_t>(static_cast<double>(std::fabs(number)) / histogram.width())];
    EXPECT_TRUE(range.lowest <= number && number <= range.highest);
  }
  EXPECT_THAT(histogram.positive(), ElementsAreArray(positive));
  EXPECT_THAT(histogram.negative(), ElementsAreArray(negative));
}

// Zeros alone, denormals, numbers behind a Relu, negative ones, larger and larger: in one piece, or in pieces that are spilled on the way.
TEST(HistogramCounter, CountsWhatTheHistogramCounts) {
  std::vector<std::vector<float>> parts = {
      std::vector<float>(5000, 0.0F), {-0.0F, 1e-42F}, std::vector<float>(3000), std::vector<float>(5000)};
  for (std::size_t i = 0; i < parts[2].size(); ++i) parts[2][i] = i % 2 == 0 ? 0.0F : 0.001F * static_cast<float>(i);
  for (std::size_t i = 0; i < parts[3].size(); ++i) parts[3][i] = 0.004F * (static_cast<float>(i) - 1200.5F);
  parts[3][77] = std::numeric_limits<float>::quiet_NaN();
  for (const std::uint64_t most : {std::uint64_t{4000}, std::uint64_t{1} << 31}) {
    HistogramCounter counter(32, most);
    StreamingHistogram one_by_one(32);
    std::uint64_t finite = 0;
    for (const auto& part : parts) {
      const ops::FloatRange range = counter.add(part);
      const ops::FloatRange expected = ops::range_of(part);
      EXPECT_EQ(range.lowest, expected.lowest);
      EXPECT_EQ(range.highest, expected.highest);
      EXPECT_EQ(range.not_finite, expected.not_finite);
      finite += part.size() - range.not_finite;
      for (const float number : part) one_by_one.add(std::vector<float>{number});
    }
    StreamingHistogram found(32);
    counter.add_to(found);
    expect_same(found, one_by_one);
    const std::vector<std::uint64_t> all = found.magnitudes();
    EXPECT_EQ(std::accumulate(all.begin(), all.end(), std::uint64_t{0}), finite);
  }
}

TEST(StreamingHistogram, LeavesOutWhatIsNotFinite) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  StreamingHistogram histogram(4);
  histogram.add(std::vector<float>{infinity, -infinity, std::numeric_limits<float>::quiet_NaN()});
  EXPECT_EQ(histogram.width_log2(), std::nullopt);
  EXPECT_THAT(histogram.magnitudes(), ElementsAre(0, 0, 0, 0));
  EXPECT_EQ(histogram.width(), 1.0);
}

TEST(StreamingHistogram, TakesTheLeastAndTheLargestNumbers) {
  StreamingHistogram histogram(4);
  histogram.add(std::vector<float>{std::numeric_limits<float>::denorm_min()});
  EXPECT_THAT(histogram.positive(), ElementsAre(0, 0, 1, 0)) << "it lies at the beginning of the upper half";
  histogram.add(std::vector<float>{std::numeric_limits<float>::lowest()});
  EXPECT_THAT(histogram.positive(), ElementsAre(1, 0, 0, 0));
  EXPECT_THAT(histogram.negative(), ElementsAre(0, 0, 0, 1));
}

TEST(ValueStatistics, FindsTheGoldenExtremesAndMovingAverages) {
  const auto each = golden_cases("calib.json", "minmax").at(0);
  ValueStatistics statistics;
  for (const auto& batch : each["batches"]) statistics.add(extent_of(golden_floats(batch)));
  EXPECT_EQ(statistics.low, golden_float(each["lo"]));
  EXPECT_EQ(statistics.high, golden_float(each["hi"]));
  EXPECT_NEAR(statistics.average_low, golden_float(each["ema_lo"]), 1e-6);
  EXPECT_NEAR(statistics.average_high, golden_float(each["ema_hi"]), 1e-6);
  EXPECT_EQ(statistics.samples, each["batches"].size());
}

TEST(ValueStatistics, CountsWhatIsNotFinite) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  ValueStatistics statistics;
  statistics.add(extent_of(std::vector<float>{infinity, 2.0F, std::numeric_limits<float>::quiet_NaN(), -1.0F}));
  statistics.add(extent_of(std::vector<float>{infinity, -infinity}));
  statistics.add(extent_of({}));
  EXPECT_EQ(statistics.low, -1.0F);
  EXPECT_EQ(statistics.high, 2.0F);
  EXPECT_EQ(statistics.not_finite, 4U);
  EXPECT_EQ(statistics.samples, 1U) << "samples without a finite number say nothing of the range";
}

}  // namespace
}  // namespace titrate::engine
