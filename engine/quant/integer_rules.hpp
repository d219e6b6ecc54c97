// Which operators can run on 8-bit integers between DequantizeLinear and QuantizeLinear, as ONNX Runtime's CPU provider fuses them
// (microsoft/onnxruntime: onnxruntime/core/optimizer/qdq_transformer/selectors_actions/qdq_selector_action_transformer.cc).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "engine/graph/graph.hpp"

namespace titrate::engine {

enum class IntegerRule : std::uint8_t {
  free_scales,   ///< input and output may have scales of their own: pooling averages, Sigmoid, Add, Mul
  concat,        ///< as free_scales; equal scales make it a plain copy
  pass_through,  ///< moves integers only: input 0 and all outputs must share scale and zero point
};

/// The rule for a node, or nothing: it computes in float.
[[nodiscard]] std::optional<IntegerRule> integer_rule(const Graph& graph, const Node& node);

/// The inputs that carry the data (not shapes, indices, axes).
[[nodiscard]] std::vector<ValueId> data_inputs(const Node& node);

}  // namespace titrate::engine
