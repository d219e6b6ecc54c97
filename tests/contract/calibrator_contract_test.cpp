// What every calibrator must do, whoever wrote it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "engine/quant/affine.hpp"
#include "engine/quant/calibrators/calibrator.hpp"

namespace titrate::engine {
namespace {

ValueStatistics statistics_of(const std::vector<std::vector<float>>& samples) {
  ValueStatistics statistics;
  for (const auto& sample : samples) {
    statistics.add(extent_of(sample));
    statistics.histogram.add(sample);
  }
  return statistics;
}

std::vector<std::vector<std::vector<float>>> odd_inputs() {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  constexpr float largest = std::numeric_limits<float>::max();
  std::vector<float> outlier(10000, 0.5F);
  outlier[77] = 1e20F;
  std::vector<float> sparse(10000, 0.0F);
  sparse[3] = -2.0F;
  return {{{0.0F}},
          {{0.0F, -0.0F}, {0.0F}},
          {{3.5F}},
          {{-3.5F}},
          {std::vector<float>(1000, 2.5F)},
          {std::vector<float>(1000, -2.5F)},
          {{}, {1.0F}},
          {{nan, infinity, -infinity}, {nan, 1.0F, -4.0F, infinity}},
          {outlier},
          {sparse},
          {{-1.0F, 1.0F}, {1e-40F}},
          {{1e-40F}},
          {{largest, -largest}},
          {{largest}, {1e-30F}}};
}

const std::vector<CalibrationRequest> requests = {{.symmetric = false, .levels = 256},
                                                  {.symmetric = true, .levels = 255},
                                                  {.symmetric = false, .levels = 256, .percentile = 50},
                                                  {.symmetric = true, .levels = 255, .percentile = 100}};

TEST(CalibratorContract, RowsAreWholeAndFoundByTheirKind) {
  std::set<std::string_view> names;
  for (const CalibratorRow& row : calibrators()) {
    EXPECT_NE(row.range, nullptr);
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_EQ(&calibrator(row.kind), &row);
  }
  EXPECT_EQ(names.size(), 5U);
}

TEST(CalibratorContract, RangesHoldZeroLieInsideWhatWasSeenAndRepeat) {
  for (const CalibratorRow& row : calibrators()) {
    for (std::size_t index = 0; index < odd_inputs().size(); ++index) {
      const ValueStatistics statistics = statistics_of(odd_inputs()[index]);
      ASSERT_GT(statistics.samples, 0U);
      for (const CalibrationRequest& request : requests) {
        SCOPED_TRACE(std::string(row.name) + " input " + std::to_string(index));
        const ValueRange range = row.range(statistics, request);
        EXPECT_TRUE(std::isfinite(range.low) && std::isfinite(range.high)) << range.low << " " << range.high;
        EXPECT_LE(range.low, 0);
        EXPECT_GE(range.high, 0);
        EXPECT_GE(range.low, std::min(statistics.low, 0.0F));
        EXPECT_LE(range.high, std::max(statistics.high, 0.0F));
        EXPECT_EQ(row.range(statistics, request), range);
        for (const AffineParameters& parameters :
             {asymmetric_parameters(range.low, range.high, unsigned_range(8)), symmetric_parameters(std::max(-range.low, range.high), 127)})
          EXPECT_TRUE(parameters.scale > 0 && std::isfinite(parameters.scale)) << parameters.scale;
      }
    }
  }
}

// Two numbers of equal magnitude: whatever a calibrator looks for, half of the range at least must be kept.
TEST(CalibratorContract, KeepsConstantActivations) {
  for (const CalibratorRow& row : calibrators()) {
    const ValueRange positive = row.range(statistics_of({std::vector<float>(100, 2.5F)}), requests[0]);
    EXPECT_NEAR(positive.high, 2.5F, 0.01F) << row.name;
    EXPECT_EQ(positive.low, 0) << row.name;
    const ValueRange negative = row.range(statistics_of({std::vector<float>(100, -2.5F)}), requests[0]);
    EXPECT_NEAR(negative.low, -2.5F, 0.01F) << row.name;
    EXPECT_EQ(negative.high, 0) << row.name;
  }
}

TEST(CalibratorContract, StatisticsWithoutAFiniteNumberCountNoSample) {
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  const ValueStatistics statistics = statistics_of({{nan, nan}, {}, {std::numeric_limits<float>::infinity()}});
  EXPECT_EQ(statistics.samples, 0U);
  EXPECT_EQ(statistics.not_finite, 3U);
}

}  // namespace
}  // namespace titrate::engine
