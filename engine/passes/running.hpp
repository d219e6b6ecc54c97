// Passes for execution alone: they rewrite a model into the forms that run fastest here. What is exported never goes through them.
#pragma once

#include <span>
#include <vector>

#include "engine/graph/graph.hpp"
#include "engine/passes/table.hpp"

namespace titrate::engine {

/// In the order in which they run.
[[nodiscard]] std::span<const Pass> running_passes();

/// Runs every pass and verifies the graph behind each. Throws what a pass or verify() throws, with the name of the pass added.
std::vector<PassResult> prepare_for_running(Model& model);

}  // namespace titrate::engine
