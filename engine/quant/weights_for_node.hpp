// Weights that were computed as a matrix, handed to the node that reads them.
#pragma once

#include "engine/quant/graph_rewriter.hpp"
#include "engine/quant/weight_matrix.hpp"

namespace titrate::engine {

/// The node reads `matrix`, float32 [rows, columns], in place of its weights. A Reshape or Transpose always stands between: ONNX Runtime
/// would else take DequantizeLinear around the node for 8-bit integers and build an operator that it then refuses to load.
void replace_weights(GraphRewriter& rewriter, std::size_t node, ValueId matrix, const WeightMatrix& weights);

}  // namespace titrate::engine
