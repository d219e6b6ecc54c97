// A built-in metric on the user's data.
#pragma once

#include <memory>

#include "datasets/dataset.hpp"
#include "tuner/meter.hpp"
#include "tuner/metrics/metric.hpp"

namespace titrate {

/// `float_plan` gives the reference of metrics that compare; its outputs are computed once, when they are first needed.
[[nodiscard]] std::unique_ptr<Meter> make_metric_meter(const MetricRow& metric, std::shared_ptr<const Dataset> data,
                                                       std::shared_ptr<const engine::Plan> float_plan);

}  // namespace titrate
