// Adds a number to each output channel of a layer, in the bias that it has or in a new one.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "engine/graph/graph.hpp"

namespace titrate::engine {

/// For a Conv, Gemm or MatMul; the constant of an Add behind a MatMul is its bias. Returns why it cannot be done, and nothing is changed
/// then.
[[nodiscard]] std::optional<std::string> add_to_bias(Graph& graph, const std::string& node, std::span<const float> shift);

}  // namespace titrate::engine
