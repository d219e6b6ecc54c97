// Quantized weights as initializers with a DequantizeLinear behind: types, layouts, packing.
#pragma once

#include "engine/quant/graph_rewriter.hpp"
#include "engine/quant/weight_matrix.hpp"

namespace titrate::engine {

/// The narrowest ONNX type that holds the codes: 2 bits (opset 25), 4 bits (opset 21), 8 bits; signed if the range is.
[[nodiscard]] DataType storage_type(IntegerRange range);
/// The opset in which DequantizeLinear takes a type; with blocks: 21 at least.
[[nodiscard]] std::int64_t opset_of(DataType type, bool blocked);

/// Codes packed as ONNX says (low bits first).
[[nodiscard]] Tensor pack_codes(std::span<const std::int32_t> codes, DataType type, Shape shape);

struct StoredWeights {
  ValueId value = ValueId::none;  ///< the dequantized weights, float32, in the shape that the node reads
  std::int64_t bytes = 0;         ///< of codes, scales and zero points; of codes only where they are not shared
  bool shared = false;            ///< the codes are those of weights that were stored before
};

/// For a Conv, a matrix product or the table of a Gather. `rows_first`: the node reads [rows, ...]; else [columns, rows] (the codes are
/// transposed for it). With groups the codes are stored as [rows, columns] in blocks along the last axis; then a Reshape or Transpose gives
/// the node's shape. `hide`: something stands between DequantizeLinear and a MatMul, so that ONNX Runtime does not make a MatMulNBits of
/// them, which by default rounds the activations to 8 bits too, and is wrong for 2-bit codes with zero points. Behind blocks that is the
/// Transpose; one scale a row or a tensor it moves across a Transpose (seen in 1.30), so there it is a Reshape to the same shape.
[[nodiscard]] StoredWeights store_weights(GraphRewriter& rewriter, const Node& node, const QuantizedMatrix& quantized, const Shape& shape,
                                          bool rows_first, bool hide);

}  // namespace titrate::engine
