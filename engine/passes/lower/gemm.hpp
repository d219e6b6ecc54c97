// Gemm, and MatMul + Add that ONNX Runtime takes for one.
#pragma once

#include "engine/passes/lower/lowering.hpp"

namespace titrate::engine::lowering {

struct GemmPattern {
  std::size_t node = 0;  ///< of the Gemm or MatMul: its inputs 0 and 1 are A and B
  bool transpose_a = false;
  bool transpose_b = false;
  ValueId bias = ValueId::none;
  ValueId output = ValueId::none;
  bool may_give_floats = true;  ///< without a QuantizeLinear behind it
};

/// Becomes QGemm, or returns why not.
[[nodiscard]] Refusal lower_gemm(Lowering& lowering, const GemmPattern& pattern);

}  // namespace titrate::engine::lowering
