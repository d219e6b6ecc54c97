// What is remembered of one value over all calibration samples. One pass fills it; every calibrator reads its range from it.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "engine/quant/observers/histogram.hpp"

namespace titrate::engine {

/// Of one sample: computed by whichever thread runs the sample, then added in the order of the samples.
struct SampleExtent {
  float low = 0;
  float high = 0;
  std::uint64_t not_finite = 0;
  bool any = false;  ///< at least one finite number
};
/// A bound that is 0 is +0: which of both zeros came first says nothing.
[[nodiscard]] SampleExtent extent_of_range(const ops::FloatRange& range);
/// Of both's numbers.
[[nodiscard]] SampleExtent joined(const SampleExtent& one, const SampleExtent& other);
[[nodiscard]] SampleExtent extent_of(std::span<const float> numbers);

struct ValueStatistics {
  float low = std::numeric_limits<float>::infinity();
  float high = -std::numeric_limits<float>::infinity();
  /// Exponential moving averages of the samples' extremes, constant 0.01, seeded with the first sample.
  float average_low = 0;
  float average_high = 0;
  std::uint64_t samples = 0;
  std::uint64_t not_finite = 0;  ///< NaN and infinities: counted, never part of a range
  StreamingHistogram histogram;
  /// A range that training found (low, high): it stands in for any calibrator's.
  std::optional<std::pair<float, float>> learned = std::nullopt;

  void add(const SampleExtent& extent);
};

/// By the name of the value in the float graph.
using CalibrationStatistics = std::map<std::string, ValueStatistics>;

}  // namespace titrate::engine
