// The rows of class scores that labels belong to: shared by the metrics that need labels.
#pragma once

#include <cstddef>
#include <functional>
#include <span>

#include "tuner/metrics/metric.hpp"

namespace titrate {

/// Calls `visit` for each label that is counted, in order, with the row of the first output that it belongs to: one row of class scores for
/// each label, float32. A label of -100 is not counted. Throws Error(invalid) if a label is outside the classes.
void for_each_label(const SampleResult& sample, const std::function<void(std::span<const float> scores, std::size_t label)>& visit);

}  // namespace titrate
