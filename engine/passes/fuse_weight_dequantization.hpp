// Matrix products with weights that are stored in 2, 4 or 8 bits become MatMulNBits, whose kernels read them packed.
#pragma once

#include <cstddef>

#include "engine/graph/graph.hpp"

namespace titrate::engine {

/// DequantizeLinear(constant codes) [-> Transpose, or Reshape to the same shape] -> MatMul or Gemm, with one scale for the tensor, a
/// column, or a block along K that is a multiple of 16, becomes com.microsoft.MatMulNBits with accuracy_level 1: the same numbers
/// multiplied and added up in the same order, so that every output keeps its bits. Large weights only; products whose other operand is
/// dequantized too are left to integer kernels.
std::size_t fuse_weight_dequantization(Model& model);

}  // namespace titrate::engine
