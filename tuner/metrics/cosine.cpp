// Cosine between the outputs and the float model's, the mean of the samples. A sample that both leave at zero counts as 1, one that only
// one does as 0.
#include <cmath>

#include "tuner/metrics/differences.hpp"

namespace titrate {
namespace {

MetricSums score(const SampleResult& sample) {
  const Differences sums = differences_of(sample);
  if (sums.error_energy == 0) return {.first = 1, .second = 0, .count = 1};
  const double lengths = std::sqrt(sums.reference_energy) * std::sqrt(sums.output_energy);
  return {.first = lengths > 0 || std::isnan(lengths) ? sums.product / lengths : 0, .second = 0, .count = 1};
}

}  // namespace

const MetricRow cosine_metric{.name = "cosine",
                              .what = "cosine between the outputs and the float model's, mean of the samples",
                              .higher_is_better = true,
                              .needs_labels = false,
                              .needs_reference = true,
                              .counts = false,
                              .score = score,
                              .value = [](const MetricSums& sums) { return sums.first / static_cast<double>(sums.count); }};

}  // namespace titrate
