// Constant nodes become initializers.
#pragma once

#include <cstddef>

#include "engine/graph/graph.hpp"

namespace titrate::engine {

/// The initializer has the name of the node's output. Sparse constants stay, and those that are outputs of a graph. Sub-graphs too. A model
/// of IR version 3 is raised to 4, where an initializer need not be an input.
std::size_t constant_nodes_to_initializers(Model& model);

}  // namespace titrate::engine
