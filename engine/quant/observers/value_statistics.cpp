#include "engine/quant/observers/value_statistics.hpp"

#include <algorithm>

#include "engine/ops/float_arrays.hpp"

namespace titrate::engine {

SampleExtent extent_of(std::span<const float> numbers) { return extent_of_range(ops::range_of(numbers)); }

SampleExtent extent_of_range(const ops::FloatRange& range) {
  return {.low = range.lowest + 0.0F, .high = range.highest + 0.0F, .not_finite = range.not_finite, .any = range.lowest <= range.highest};
}

SampleExtent joined(const SampleExtent& one, const SampleExtent& other) {
  SampleExtent both = one.any ? one : other;
  both.not_finite = one.not_finite + other.not_finite;
  if (one.any && other.any) {
    both.low = std::min(one.low, other.low);
    both.high = std::max(one.high, other.high);
  }
  return both;
}

void ValueStatistics::add(const SampleExtent& extent) {
  not_finite += extent.not_finite;
  if (!extent.any) return;
  low = std::min(low, extent.low);
  high = std::max(high, extent.high);
  constexpr float constant = 0.01F;
  average_low = samples == 0 ? extent.low : average_low + constant * (extent.low - average_low);
  average_high = samples == 0 ? extent.high : average_high + constant * (extent.high - average_high);
  ++samples;
}

}  // namespace titrate::engine
