#include "engine/quant/observers/value_statistics.hpp"

#include <algorithm>
#include <cmath>

namespace titrate::engine {

SampleExtent extent_of(std::span<const float> numbers) {
  SampleExtent extent{
      .low = std::numeric_limits<float>::infinity(), .high = -std::numeric_limits<float>::infinity(), .not_finite = 0, .any = false};
  for (const float number : numbers) {
    if (!std::isfinite(number)) {
      ++extent.not_finite;
      continue;
    }
    extent.low = std::min(extent.low, number);
    extent.high = std::max(extent.high, number);
  }
  extent.any = extent.low <= extent.high;
  return extent;
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
