// Products as processors without VNNI compute them in ONNX Runtime: two products of an unsigned and a signed code are added in 16 bits, and
// saturate (vpmaddubsw; algorithms.md A20). For evaluating what a model gives there; slow and plain.
#pragma once

#include "engine/ops/table.hpp"

namespace titrate::engine::ops {

/// The domain of these operators: types, inputs and attributes are those of QLinearConv (NCHW), QLinearMatMul, QGemm and
/// MatMulIntegerToFloat, with constant int8 weights.
inline constexpr std::string_view saturating_domain = "titrate.saturating";

Family saturating_product();

}  // namespace titrate::engine::ops
