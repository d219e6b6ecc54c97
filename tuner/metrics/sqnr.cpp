// Signal to quantization noise against the float model, in dB: one ratio over all samples (algorithms A21). Equal outputs give 999.
#include <cmath>

#include "tuner/metrics/differences.hpp"

namespace titrate {
namespace {

constexpr double equal = 999;  // stands for infinity, which has no loss

MetricSums score(const SampleResult& sample) {
  const Differences sums = differences_of(sample);
  return {.first = sums.reference_energy, .second = sums.error_energy, .count = 1};
}

double value(const MetricSums& sums) {
  if (sums.second == 0) return equal;
  const double decibel = 10 * std::log10(sums.first / sums.second);
  return decibel > equal ? equal : decibel;  // not std::min, which would turn NaN into the best there is
}

}  // namespace

const MetricRow sqnr_metric{.name = "sqnr",
                            .what = "signal to quantization noise against the float model's outputs, in dB",
                            .higher_is_better = true,
                            .needs_labels = false,
                            .needs_reference = true,
                            .counts = false,
                            .score = score,
                            .value = value};

}  // namespace titrate
