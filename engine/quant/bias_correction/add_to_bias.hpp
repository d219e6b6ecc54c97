// Adds a number to each output channel of a layer, in the bias that it has or in a new one.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "engine/graph/graph.hpp"

namespace titrate::engine {

struct BiasChange {
  std::optional<std::string> refusal;  ///< why it cannot be done; nothing is changed then
  std::string product;                 ///< a new value between a MatMul and an Add that was added behind it, or ""
  std::string output;                  ///< the value that the Add makes now: what `product` was before
};

/// For a Conv, Gemm or MatMul; the constant of an Add behind a MatMul is its bias.
[[nodiscard]] BiasChange add_to_bias(Graph& graph, const std::string& node, std::span<const float> shift);

}  // namespace titrate::engine
