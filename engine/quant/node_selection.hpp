// Overrides that choose nodes by where they stand in a graph: by position, and between two sets of nodes.
#pragma once

#include "engine/config/config.hpp"
#include "engine/graph/graph.hpp"

namespace titrate::engine {

/// The config with the nodes of such overrides filled in; all else stays. Positions count the nodes with weights that can be quantized,
/// from 1 on, in graph order. Time is linear in the graph for each override. Throws Error(usage) for a position that is not there, a name
/// that no node has (with the nearest), and two sets with nothing between them.
[[nodiscard]] Config resolve_selectors(const Graph& graph, const Config& config);

}  // namespace titrate::engine
