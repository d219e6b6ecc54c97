// Passes for execution alone: they rewrite a model into the forms that run fastest here. What is exported never goes through them.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "engine/graph/graph.hpp"
#include "engine/passes/table.hpp"

namespace titrate::engine {

/// A rewrite that keeps the outputs and their names; lower() rounds where integers do, up to one quantum from the emulation in float. Inner
/// values may go: who observes them runs the model as it is.
struct RunningPass {
  std::string_view name;
  std::size_t (*run)(Model&);  ///< returns the number of rewrites; 0: nothing was changed
};

/// In the order in which they run.
[[nodiscard]] std::span<const RunningPass> running_passes();

/// Runs every pass and verifies the graph behind each. Throws what a pass or verify() throws, with the name of the pass added.
std::vector<PassResult> prepare_for_running(Model& model);

}  // namespace titrate::engine
