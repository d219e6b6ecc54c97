// Products of float32 activations and bfloat16 weights: activations are rounded to bfloat16, products are summed in float32. What the
// lowering makes of Casts to bfloat16 and back in front of Conv, MatMul and Gemm.
#pragma once

#include "engine/ops/table.hpp"

namespace titrate::engine::ops {

/// The domain of these operators: types, inputs and attributes are those of Conv, FusedConv, MatMul, Gemm and FusedGemm, but for constant
/// bfloat16 weights. Convolutions are not depthwise; matrices are weights of two axes; Gemm has alpha and beta of 1 and a C of one number
/// a column, if any.
inline constexpr std::string_view bf16_domain = "titrate.bf16";

/// Whether the kernels of the selected level multiply bfloat16 numbers; else they widen them to float32 first.
[[nodiscard]] bool has_bf16_instructions();

Family bf16_product();

}  // namespace titrate::engine::ops
