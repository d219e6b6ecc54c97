// Puts QuantizeLinear and DequantizeLinear behind the values of a placement.
#pragma once

#include "engine/quant/activation_placement.hpp"
#include "engine/quant/assignment.hpp"
#include "engine/quant/graph_rewriter.hpp"

namespace titrate::engine {

/// A Max with the least number: without effect, but runtimes do not look through it as they do through Clip, Relu and shape operators.
[[nodiscard]] ValueId add_barrier(GraphRewriter& rewriter, ValueId value, const std::string& name);

/// All readers of a quantized value read its dequantized form. A graph output that is quantized keeps its name behind the DequantizeLinear.
void insert_quantizers(GraphRewriter& rewriter, const ActivationPlacement& placement);

/// ONNX Runtime quantizes the weights of a float Conv, ConvTranspose or Gemm by itself when it stands between DequantizeLinear and
/// QuantizeLinear (its pass WeightBiasQuantization), also where pooling or shape operators stand between: it carries DequantizeLinear
/// across them. Breaks that pattern in front of nodes that shall stay float, where the target has such a runtime.
void protect_float_nodes(GraphRewriter& rewriter, const std::vector<Assignment>& assignments, const ActivationPlacement& placement,
                         const Target& target);

}  // namespace titrate::engine
