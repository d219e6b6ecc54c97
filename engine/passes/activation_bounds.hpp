// Relu and Clip with constant bounds: redundant behind a quantizer whose range lies inside theirs.
#pragma once

#include <optional>

#include "engine/graph/graph.hpp"

namespace titrate::engine {

struct ActivationBounds {
  float low;
  float high;
};

/// The bounds of a Relu, or of a Clip whose bounds are constant and hold 0 between them; nothing for any other node.
[[nodiscard]] std::optional<ActivationBounds> activation_bounds(const Graph& graph, const Node& node);

}  // namespace titrate::engine
