// How long one sample takes: the median of repeated runs of our executor.
#pragma once

#include <memory>

#include "datasets/dataset.hpp"
#include "engine/run/executor.hpp"

namespace titrate {

/// Milliseconds for the first sample of `data`, after warm-up, with `threads` threads inside the operators.
[[nodiscard]] double measure_latency(const std::shared_ptr<const engine::Plan>& plan, const Dataset& data, int threads);

}  // namespace titrate
