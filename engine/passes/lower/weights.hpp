// Constant weights and biases of the operators that multiply and accumulate.
#pragma once

#include <cstdint>

#include "engine/passes/lower/lowering.hpp"

namespace titrate::engine::lowering {

/// The 8-bit codes of constant weights behind a DequantizeLinear: one scale for all, or one for each output channel along `axis` with zero
/// points that are all equal.
[[nodiscard]] Checked<Quantizer> constant_weights(const Lowering& lowering, const Node& node, std::size_t input, std::int64_t axis);

/// A bias as int32 with the scales of the products: input scale x weight scale of the channel, in float32. `input` is none where the
/// node has no bias.
struct IntegerBias {
  ValueId source = ValueId::none;  ///< none: no bias
  Tensor codes;                    ///< int32, one for each channel
};
/// From int32 codes behind a DequantizeLinear whose scales fit, or from float constants, which are quantized here as ONNX Runtime does.
[[nodiscard]] Checked<IntegerBias> integer_bias(const Lowering& lowering, ValueId bias, const Quantizer& input, const Quantizer& weights,
                                                std::int64_t channels);

}  // namespace titrate::engine::lowering
