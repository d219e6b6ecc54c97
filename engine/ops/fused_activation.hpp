// The activation that com.microsoft's FusedConv and FusedGemm carry as attributes (onnxruntime, docs/ContribOperators.md).
#pragma once

#include "engine/kernels/activation/activation.hpp"
#include "engine/ops/operator.hpp"

namespace titrate::engine::ops {

/// FusedConv: `activation` by ONNX's name, and its numbers in `activation_params` (Clip: min, max; LeakyRelu: alpha; HardSigmoid: alpha,
/// beta). Throws Error(invalid) naming the node.
[[nodiscard]] kernels::Activation activation_of_convolution(const Node& node);

/// FusedGemm: `activation`, and the activation's own attributes with "activation_" in front.
[[nodiscard]] kernels::Activation activation_of_gemm(const Node& node);

}  // namespace titrate::engine::ops
