#include "engine/quant/calibrators/entropy.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "engine/quant/calibrators/calibrator.hpp"

namespace titrate::engine {
namespace {

// The divergence when the first `kept` bins are rounded to `levels` levels; `outliers` lie above.
double divergence(std::span<const double> bins, std::size_t kept, std::size_t levels, double outliers, std::vector<double>& mass,
                  std::vector<double>& filled) {
  std::fill(mass.begin(), mass.end(), 0.0);
  std::fill(filled.begin(), filled.end(), 0.0);
  double total = 0;
  for (std::size_t bin = 0; bin < kept; ++bin) {
    const std::size_t level = bin * levels / kept;
    if (bins[bin] <= 0) continue;
    mass[level] += bins[bin];
    filled[level] += 1;
    total += bins[bin];
  }
  const double total_with_outliers = total + outliers;
  double sum = 0;
  for (std::size_t bin = 0; bin < kept; ++bin) {
    const double probability = bins[bin] + (bin + 1 == kept ? outliers : 0);
    if (probability <= 0) continue;
    if (bins[bin] <= 0) return std::numeric_limits<double>::infinity();
    const std::size_t level = bin * levels / kept;
    const double rounded = mass[level] / filled[level];
    sum += probability / total_with_outliers * std::log(probability / total_with_outliers * (total / rounded));
  }
  return sum;
}

}  // namespace

std::vector<double> entropy_divergences(std::span<const std::uint64_t> magnitudes, int levels, int start) {
  std::vector<double> bins(magnitudes.begin(), magnitudes.end());
  // The spike of exact zeros that Relu makes would decide everything.
  if (bins.size() > 1) bins[0] = bins[1];
  double outliers = std::accumulate(bins.begin() + start, bins.end(), 0.0);
  std::vector<double> mass(static_cast<std::size_t>(levels));
  std::vector<double> filled(static_cast<std::size_t>(levels));
  std::vector<double> divergences;
  for (auto kept = static_cast<std::size_t>(start); kept <= bins.size(); ++kept) {
    divergences.push_back(divergence(bins, kept, static_cast<std::size_t>(levels), outliers, mass, filled));
    if (kept < bins.size()) outliers -= bins[kept];
  }
  return divergences;
}

ValueRange entropy_range(const ValueStatistics& statistics, const CalibrationRequest& request) {
  // Codes of 16 bits: more than there are bins, so no range is told from another and nothing is cut off.
  if (request.levels > 256) return minmax_range(statistics, request);
  const StreamingHistogram& histogram = statistics.histogram;
  std::vector<std::uint64_t> magnitudes = histogram.magnitudes();
  const float largest = std::max(std::fabs(statistics.low), std::fabs(statistics.high));
  // Bins above the largest number are empty and would all be rejected; levels and start as the reference has them.
  magnitudes.resize(std::min(magnitudes.size(), static_cast<std::size_t>(static_cast<double>(largest) / histogram.width()) + 1));
  constexpr int levels = 128;
  if (magnitudes.size() <= levels) return minmax_range(statistics, {});
  const std::vector<double> divergences = entropy_divergences(magnitudes, levels, levels);
  std::size_t best = 0;
  for (std::size_t candidate = 0; candidate < divergences.size(); ++candidate) {
    if (divergences[candidate] <= divergences[best]) best = candidate;  // ties to the larger range
  }
  const auto limit = static_cast<float>(static_cast<double>(best + levels) * histogram.width());
  return {std::max(std::min(statistics.low, 0.0F), -limit), std::min(std::max(statistics.high, 0.0F), limit)};
}

}  // namespace titrate::engine
