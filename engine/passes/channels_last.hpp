// Integer convolutions and what is between them run channels last (N, spatial ..., C): there the kernels read whole channels at once.
// Transposes stand at the edges of such regions only. For running only: what is exported stays as it is.
#pragma once

#include <cstddef>

#include "engine/graph/graph.hpp"

namespace titrate::engine {

/// After lower(). Returns the number of nodes that now run channels last; 0: nothing was changed. A graph with control flow that reads its
/// values stays as it is.
std::size_t channels_last(Model& model);

}  // namespace titrate::engine
