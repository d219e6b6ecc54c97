// A QuantizeLinear or DequantizeLinear with constant parameters, read once.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/graph/graph.hpp"
#include "engine/passes/lower/checked.hpp"

namespace titrate::engine::lowering {

struct Quantizer {
  ValueId codes = ValueId::none;  ///< what DequantizeLinear reads, what QuantizeLinear makes
  DataType type = DataType::undefined;
  ValueId scale = ValueId::none;
  ValueId zero_point = ValueId::none;  ///< none: left out, which means 0
  const Tensor* scales = nullptr;
  const Tensor* zero_points = nullptr;
  std::optional<std::int64_t> axis;  ///< of the channels, as the node says it (may be negative); none: one scale for all

  [[nodiscard]] bool per_tensor() const { return !axis.has_value(); }
  [[nodiscard]] float scale_of(std::size_t channel) const;
  [[nodiscard]] std::int32_t zero_point_of(std::size_t channel) const;
  [[nodiscard]] std::int32_t lowest_code() const;
  [[nodiscard]] std::int32_t highest_code() const;
  /// The same codes mean the same numbers: type, scales and zero points are equal.
  [[nodiscard]] bool same_parameters(const Quantizer& other) const;
};

[[nodiscard]] bool is_quantize(const Node& node);
[[nodiscard]] bool is_dequantize(const Node& node);
/// int8 or uint8.
[[nodiscard]] bool is_8_bit(DataType type);

/// `codes_type` serves where the zero point is left out: the type of what a DequantizeLinear reads. Fails for computed, blocked or
/// half-precision scales and for codes that are no integers.
[[nodiscard]] Checked<Quantizer> read_quantizer(const Graph& graph, const Node& node, DataType codes_type);

/// The shortest text that gives this float back: "0.1".
[[nodiscard]] std::string number_text(float number);

}  // namespace titrate::engine::lowering
