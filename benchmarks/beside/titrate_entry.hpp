// titrate's own executor as a contender.
#pragma once

#include <memory>
#include <span>

#include "benchmarks/beside/measure.hpp"
#include "engine/run/executor.hpp"

namespace titrate::benchmarks {

/// `plan`: of tuner/running_plan.hpp, as models are evaluated and timed everywhere. `kernels`: the time that counts is that of the nodes
/// without changes of layout (Transpose), as for ONNX Runtime.
[[nodiscard]] std::unique_ptr<Contender> titrate_contender(std::shared_ptr<const engine::Plan> plan, std::vector<engine::Tensor> inputs,
                                                           int threads, bool kernels);

}  // namespace titrate::benchmarks
