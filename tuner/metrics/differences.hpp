// Sums over the differences between a model's outputs and the float model's: shared by the metrics that compare.
#pragma once

#include "tuner/metrics/metric.hpp"

namespace titrate {

/// Over all float32 outputs of one sample, in double.
struct Differences {
  double reference_energy = 0;  ///< sum of reference^2
  double output_energy = 0;     ///< sum of output^2
  double product = 0;           ///< sum of reference * output
  double error_energy = 0;      ///< sum of (reference - output)^2
  std::int64_t elements = 0;
};

/// Throws Error(invalid) if the shapes differ or no output is float32.
[[nodiscard]] Differences differences_of(const SampleResult& sample);

}  // namespace titrate
