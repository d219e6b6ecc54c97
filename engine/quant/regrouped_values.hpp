// Values that hold the numbers of others in another shape or order.
#pragma once

#include <vector>

#include "engine/graph/graph.hpp"

namespace titrate::engine {

/// By value id: the values whose numbers it holds, all of them and no others, as often as they are named (Concat, Reshape, Transpose ...);
/// empty: it has numbers of its own. Only values that depend on graph inputs, so that each run computes them.
[[nodiscard]] std::vector<std::vector<ValueId>> regrouped_values(const Graph& graph);

}  // namespace titrate::engine
