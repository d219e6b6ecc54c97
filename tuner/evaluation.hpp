// Evaluates a prepared model on data by a metric, sample by sample.
#pragma once

#include <memory>
#include <optional>

#include "datasets/dataset.hpp"
#include "engine/run/executor.hpp"
#include "tuner/metrics/metric.hpp"
#include "tuner/reference_outputs.hpp"
#include "tuner/sample_loop.hpp"

namespace titrate {

struct Evaluation {
  double value = 0;
  std::int64_t samples = 0;             ///< labels where a sample has several, else samples
  std::optional<std::int64_t> correct;  ///< where the metric counts
};

/// `reference`: the float model's outputs on the same data, for metrics that need them. Throws Error(invalid) naming the sample that does
/// not fit, Error(interrupted) if cancelled. The same bits for any number of threads.
[[nodiscard]] Evaluation evaluate(const std::shared_ptr<const engine::Plan>& plan, const Dataset& data, const MetricRow& metric,
                                  const ReferenceOutputs* reference, const LoopControl& control);

}  // namespace titrate
