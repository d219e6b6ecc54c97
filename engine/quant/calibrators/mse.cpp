#include "engine/quant/calibrators/mse.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/quant/calibrators/calibrator.hpp"

namespace titrate::engine {
namespace {

// The sum of squared errors of one side's numbers when magnitudes are rounded to multiples of `step` and clipped at `limit` (all in bins).
double side_error(std::span<const std::uint64_t> side, double step, double limit) {
  double sum = 0;
  for (std::size_t bin = 0; bin < side.size(); ++bin) {
    if (side[bin] == 0) continue;
    const double centre = static_cast<double>(bin) + 0.5;
    const double error = std::min(std::nearbyint(centre / step) * step, limit) - centre;
    sum += static_cast<double>(side[bin]) * error * error;
  }
  return sum;
}

// The last bin that holds anything, plus one.
std::size_t used_bins(std::span<const std::uint64_t> side) {
  std::size_t used = side.size();
  while (used > 0 && side[used - 1] == 0) --used;
  return used;
}

struct Limits {
  double low = 0;  // magnitude of the negative end, in bins
  double high = 0;
};

// Alternating scans over both ends: the step depends on their sum, so each end is searched with the other held.
Limits search_both(std::span<const std::uint64_t> negative, std::span<const std::uint64_t> positive, int levels) {
  Limits best{static_cast<double>(used_bins(negative)), static_cast<double>(used_bins(positive))};
  const Limits whole = best;
  const auto error = [&](const Limits& limits) {
    const double step = (limits.low + limits.high) / (levels - 1);
    return side_error(negative, step, limits.low) + side_error(positive, step, limits.high);
  };
  double least = error(best);
  constexpr int candidates = 64;
  for (int round = 0; round < 3; ++round) {
    const double before = least;
    for (double Limits::*end : {&Limits::high, &Limits::low}) {
      for (int candidate = 1; candidate < candidates; ++candidate) {
        Limits tried = best;
        tried.*end = whole.*end * candidate / candidates;
        const double tried_error = error(tried);
        if (tried_error >= least) continue;
        least = tried_error;
        best = tried;
      }
    }
    if (least == before) break;
  }
  return best;
}

}  // namespace

std::vector<double> symmetric_errors(std::span<const std::uint64_t> magnitudes, int most, std::size_t start) {
  const auto total = static_cast<double>(std::accumulate(magnitudes.begin(), magnitudes.end(), std::uint64_t{0}));
  std::vector<double> errors;
  for (std::size_t bin = start; bin < magnitudes.size(); ++bin) {
    const double limit = static_cast<double>(bin) + 0.5;
    errors.push_back(side_error(magnitudes, limit / most, limit) / total);
  }
  return errors;
}

ValueRange mse_range(const ValueStatistics& statistics, const CalibrationRequest& request) {
  const StreamingHistogram& histogram = statistics.histogram;
  const ValueRange seen = minmax_range(statistics, request);
  const auto inside = [&](Limits limits) {
    return ValueRange{std::max(seen.low, static_cast<float>(-limits.low * histogram.width())),
                      std::min(seen.high, static_cast<float>(limits.high * histogram.width()))};
  };
  if (!request.symmetric) return inside(search_both(histogram.negative(), histogram.positive(), request.levels));
  std::vector<std::uint64_t> magnitudes = histogram.magnitudes();
  magnitudes.resize(used_bins(magnitudes));
  if (magnitudes.empty()) return seen;
  const std::size_t start = magnitudes.size() / 16;
  const std::vector<double> errors = symmetric_errors(magnitudes, request.levels / 2 - 1, start);
  const auto best = static_cast<double>(std::min_element(errors.begin(), errors.end()) - errors.begin()) + static_cast<double>(start) + 0.5;
  return inside({best, best});
}

}  // namespace titrate::engine
