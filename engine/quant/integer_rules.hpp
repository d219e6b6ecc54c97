// Which operators can run on 8-bit integers between DequantizeLinear and QuantizeLinear: those for which the target's description has a
// pattern without weights, as far as the node's own attributes and inputs allow it.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/graph/graph.hpp"
#include "engine/quant/targets/target.hpp"

namespace titrate::engine {

enum class IntegerRule : std::uint8_t {
  free_scales,   ///< input and output may have scales of their own: pooling averages, Sigmoid, Add, Mul
  concat,        ///< as free_scales; equal scales make it a plain copy
  pass_through,  ///< all inputs and outputs must share scale and zero point: it moves integers only
};

/// The rule for a node, or nothing: it computes in float.
[[nodiscard]] std::optional<IntegerRule> integer_rule(const Target& target, const Graph& graph, const Node& node);
/// The rule of ONNX Runtime.
[[nodiscard]] std::optional<IntegerRule> integer_rule(const Graph& graph, const Node& node);

/// The inputs that carry the data (not shapes, indices, axes).
[[nodiscard]] std::vector<ValueId> data_inputs(const Node& node);

}  // namespace titrate::engine
