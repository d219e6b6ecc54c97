// Nodes and values that nobody reads go.
#pragma once

#include <cstddef>

#include "engine/graph/graph.hpp"

namespace titrate::engine {

/// Counts nodes and values, in sub-graphs too. Graph inputs and outputs stay.
std::size_t remove_unused_nodes(Model& model);

}  // namespace titrate::engine
