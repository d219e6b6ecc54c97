// The passes and their order.
#pragma once

#include <span>
#include <string_view>

#include "engine/graph/graph.hpp"

namespace titrate::engine {

/// A rewrite of a model that keeps its outputs. Names of nodes and values that stay are kept.
struct Pass {
  std::string_view name;
  std::size_t (*run)(Model&);  ///< returns the number of rewrites; 0: nothing was changed
};

/// In the order in which they run.
[[nodiscard]] std::span<const Pass> passes();

/// How often a pass rewrote something.
struct PassResult {
  std::string_view name;
  std::size_t rewrites = 0;
};

/// Runs passes in their order and verifies the graph behind each. Throws what a pass or verify() throws, with the name of the pass added.
std::vector<PassResult> run_in_order(std::span<const Pass> rows, Model& model);

/// The passes of this table.
std::vector<PassResult> run_passes(Model& model);

}  // namespace titrate::engine
