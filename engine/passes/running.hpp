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

/// The same for a run in which somebody looks at the kept values (Graph::kept): they stay, and they and the outputs have the bits that they
/// have in a run of the model as it was.
std::vector<PassResult> prepare_for_observing(Model& model);

}  // namespace titrate::engine
