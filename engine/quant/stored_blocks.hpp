// Weights of few bits in blocks along the rows of a matrix, each block with a scale: as initializers with what turns them into float32.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "engine/quant/graph_rewriter.hpp"

namespace titrate::engine {

/// What a layer's decision says of float4e2m1 in its part of the graph.
inline constexpr std::string_view no_float4_kernel = "ONNX Runtime 1.30 has no CPU kernel for float4e2m1";

/// A matrix of codes, one a byte.
struct BlockCodes {
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::int64_t block = 0;  ///< columns that share a scale; the last block of a row may be short
  std::span<const std::uint8_t> codes;

  [[nodiscard]] std::int64_t blocks() const { return (columns + block - 1) / block; }
};

/// A value and the bytes of the initializers behind it.
struct StoredValue {
  ValueId value = ValueId::none;
  std::int64_t bytes = 0;
};

/// The shape in which dequantize_blocks() reads the scales: [rows, blocks()].
[[nodiscard]] Shape dequantized_scale_shape(const BlockCodes& codes);
/// DequantizeLinear of codes of a float type or of int8, zero point 0, with float32 scales: float32 [rows, columns]. `name` begins the
/// names of all that is added.
[[nodiscard]] StoredValue dequantize_blocks(GraphRewriter& rewriter, const std::string& name, const BlockCodes& codes, DataType type,
                                            ValueId scales);

/// The shape in which look_up_blocks() reads the scales: [rows, blocks(), 1], or [rows, 1] where a row has one block.
[[nodiscard]] Shape looked_up_scale_shape(const BlockCodes& codes);
/// Codes of four bits as uint4, looked up among 16 levels (Cast, Gather) and multiplied by the scales: for formats that ONNX, or a runtime,
/// has no type for. float32 [rows, columns].
[[nodiscard]] StoredValue look_up_blocks(GraphRewriter& rewriter, const std::string& name, const BlockCodes& codes,
                                         std::span<const float> levels, ValueId scales);

/// float32 scales that are stored as such.
[[nodiscard]] StoredValue store_scales(GraphRewriter& rewriter, const std::string& name, std::span<const float> scales, const Shape& shape);
/// Powers of two, stored as float8e8m0 codes with a Cast behind (ONNX Runtime 1.30 has that, but no DequantizeLinear that reads them).
[[nodiscard]] StoredValue store_power_scales(GraphRewriter& rewriter, const std::string& name, std::span<const std::uint8_t> codes,
                                             const Shape& shape);
/// E4M3 codes times one float32 scale of the tensor.
[[nodiscard]] StoredValue store_float8_scales(GraphRewriter& rewriter, const std::string& name, std::span<const std::uint8_t> codes,
                                              const Shape& shape, float tensor_scale);

}  // namespace titrate::engine
