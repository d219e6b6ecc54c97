// Conv, MatMul and Gemm behind Casts to bfloat16 and back, with weights that are stored in bfloat16, become operators that multiply
// bfloat16 numbers (engine/ops/bf16_product.hpp).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/graph/graph.hpp"

namespace titrate::engine::lowering {

struct Bf16Outcome {
  bool computes = false;  ///< in bfloat16
  std::string reason;     ///< else why it computes in float32
};

/// By its name each node whose weights are stored in bfloat16. `types`: of graph.values, as far as they are known. `native`: the processor
/// multiplies bfloat16 numbers; where it does not, nothing is changed, since float32 gives the same numbers and has faster kernels.
/// Unused Casts are left for remove_unused().
[[nodiscard]] std::map<std::string, Bf16Outcome> lower_bf16(Model& model, const std::vector<ValueInfo>& types, bool native);

}  // namespace titrate::engine::lowering
