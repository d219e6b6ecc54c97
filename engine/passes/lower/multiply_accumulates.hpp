// How many products a node sums up: what its cost is measured by.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/graph/graph.hpp"

namespace titrate::engine::lowering {

/// Convolutions, matrix products and recurrent cells, float or integer, in whatever domain.
[[nodiscard]] bool multiplies_and_accumulates(const Node& node);

/// For values of these types; 0 for a node that is none of them, nothing where the shapes are not known.
[[nodiscard]] std::optional<std::int64_t> multiply_accumulates(const Graph& graph, const Node& node, const std::vector<ValueInfo>& types);

}  // namespace titrate::engine::lowering
