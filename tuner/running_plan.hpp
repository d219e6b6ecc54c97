// The plan with which models are evaluated and timed.
#pragma once

#include <memory>

#include "engine/graph/graph.hpp"
#include "engine/run/executor.hpp"

namespace titrate {

/// A plan of the model after the passes for execution (engine/passes/running.hpp). Inputs, outputs and their names are the model's; values
/// in between may be gone, so who observes them makes a Plan of the model itself.
[[nodiscard]] std::shared_ptr<const engine::Plan> running_plan(engine::Model model);

}  // namespace titrate
