// Mean squared difference from the float model, over all elements of all outputs.
#include "tuner/metrics/differences.hpp"

namespace titrate {
namespace {

MetricSums score(const SampleResult& sample) {
  const Differences sums = differences_of(sample);
  return {.first = sums.error_energy, .second = 0, .count = sums.elements};
}

}  // namespace

const MetricRow mse_metric{.name = "mse",
                           .what = "mean squared difference from the float model's outputs",
                           .higher_is_better = false,
                           .needs_labels = false,
                           .needs_reference = true,
                           .counts = false,
                           .score = score,
                           .value = [](const MetricSums& sums) { return sums.first / static_cast<double>(sums.count); }};

}  // namespace titrate
