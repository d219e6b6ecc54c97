// com.microsoft.MatMulNBits: ONNX Runtime's operator for matrix products with weights of few bits (microsoft/onnxruntime:
// docs/ContribOperators.md).
#pragma once

#include <optional>
#include <string>

#include "engine/quant/graph_rewriter.hpp"
#include "engine/quant/weight_matrix.hpp"

namespace titrate::engine {

/// Why a node cannot take this form, or nothing: MatMul (and Gemm without alpha, beta, transA) with codes of 2, 4 or 8 bits, in groups that
/// are a power of two of at least 16, or one group a row.
[[nodiscard]] std::optional<std::string> matmul_nbits_refusal(const Graph& graph, const Node& node, const QuantizedMatrix& quantized);

/// Replaces the node, which keeps its name. Float arithmetic is asked for (accuracy_level 1), so that what is measured is what runs.
/// Returns the bytes stored.
std::int64_t write_matmul_nbits(GraphRewriter& rewriter, std::size_t index, const QuantizedMatrix& quantized);

}  // namespace titrate::engine
