// Which constants of a quantized model can be trained.
#pragma once

#include <optional>

#include "engine/quant/schemes/scheme.hpp"

namespace titrate::engine {

/// What a change of a constant does.
enum class ConstantRole : std::uint8_t {
  offset,  ///< is added: biases
  factor,  ///< multiplies: normalizations
};

/// The role of a node's input that is a float32 constant of one number a channel, read by this node alone; nothing: it is none, or not to
/// be trained.
[[nodiscard]] std::optional<ConstantRole> trainable_vector(const Graph& graph, const Uses& uses, const Node& node, std::size_t input);

/// A value that a QuantizeLinear and a DequantizeLinear round to integers of a scale of their own.
struct RoundedValue {
  std::size_t quantizer = 0;    ///< node
  std::size_t dequantizer = 0;  ///< node
  ValueId value = ValueId::none;
  float scale = 1;
  std::int32_t steps_below = 0;  ///< of the lowest code below the zero point, <= 0
  std::int32_t steps_above = 0;  ///< of the highest code
};
/// Those of the nodes [begin, end) whose scale is no other value's: values that must share a scale keep it.
[[nodiscard]] std::vector<RoundedValue> rounded_values(const Graph& graph, std::size_t begin, std::size_t end);

/// The codes that training begins with: those found before, else rounded to nearest; symmetric ones may use the lowest code too. Nothing:
/// the scheme has no integer codes of its own.
[[nodiscard]] std::optional<QuantizedMatrix> codes_to_train(const WeightMatrix& weights, const Scheme& scheme, const std::string& node,
                                                            const WeightSolutions& solutions);

}  // namespace titrate::engine
