// Percentile p: data of one sign loses (100 - p) % at its far end, data of both signs half of that at each end (algorithms A9; interpolated
// inside the bin).
#include "engine/quant/calibrators/percentile.hpp"

#include <algorithm>
#include <numeric>

#include "engine/quant/calibrators/calibrator.hpp"

namespace titrate::engine {

double quantile_position(std::span<const std::uint64_t> bins, double share) {
  const auto total = static_cast<double>(std::accumulate(bins.begin(), bins.end(), std::uint64_t{0}));
  const double wanted = share * total;
  double below = 0;
  for (std::size_t bin = 0; bin < bins.size(); ++bin) {
    const auto count = static_cast<double>(bins[bin]);
    if (count > 0 && below + count >= wanted * (1 - 1e-15))
      return static_cast<double>(bin) + std::clamp((wanted - below) / count, 0.0, 1.0);
    below += count;
  }
  return static_cast<double>(bins.size());
}

namespace {

// The magnitude on one side beyond which `cut` numbers lie; 0 if the whole side is cut away.
double side_limit(std::span<const std::uint64_t> side, double cut, double width) {
  const auto count = static_cast<double>(std::accumulate(side.begin(), side.end(), std::uint64_t{0}));
  if (count <= cut) return 0;
  return quantile_position(side, 1 - cut / count) * width;
}

}  // namespace

ValueRange percentile_range(const ValueStatistics& statistics, const CalibrationRequest& request) {
  if (request.percentile >= 100) return minmax_range(statistics, request);  // a histogram may lack the very last number
  const StreamingHistogram& histogram = statistics.histogram;
  const double share = request.percentile / 100;
  if (request.symmetric) {
    const auto limit = static_cast<float>(quantile_position(histogram.magnitudes(), share) * histogram.width());
    return {std::max(std::min(statistics.low, 0.0F), -limit), std::min(std::max(statistics.high, 0.0F), limit)};
  }
  const auto count = [](std::span<const std::uint64_t> side) { return std::accumulate(side.begin(), side.end(), std::uint64_t{0}); };
  const auto total = static_cast<double>(count(histogram.positive()) + count(histogram.negative()));
  const bool both_signs = statistics.low < 0 && statistics.high > 0;
  const double cut = total * (1 - share) / (both_signs ? 2 : 1);
  const auto high = static_cast<float>(side_limit(histogram.positive(), cut, histogram.width()));
  const auto low = static_cast<float>(-side_limit(histogram.negative(), cut, histogram.width()));
  return {std::max(std::min(statistics.low, 0.0F), low), std::min(std::max(statistics.high, 0.0F), high)};
}

}  // namespace titrate::engine
