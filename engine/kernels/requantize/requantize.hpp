// From int32 sums of products to what a quantized operator gives: 8-bit codes, or float32. A row of sums, each with a multiplier of its own
// (one a channel; who has one for all repeats it).
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/base/cpu.hpp"

namespace titrate::kernels {

/// code = saturate(round_half_to_even(float(sum) * multiplier) + zero_point): sum and product each rounded to float32, as ONNX Runtime
/// does; a NaN gives the lowest code. Every variant gives the same codes. zero_point lies in the range of Code.
template <class Code>
using Requantize = void (*)(const std::int32_t* sums, const float* multipliers, std::int32_t zero_point, Code* codes,
                            std::size_t count) noexcept;
/// number = float(sum) * multiplier + bias, every step rounded to float32; bias may be null.
using Rescale = void (*)(const std::int32_t* sums, const float* multipliers, const float* bias, float* numbers, std::size_t count) noexcept;

struct RequantizeKernels {
  Requantize<std::uint8_t> to_u8;
  Requantize<std::int8_t> to_s8;
  Rescale to_float;
};

/// Null where the build has no such instruction set.
extern const RequantizeKernels* const requantize_scalar;
extern const RequantizeKernels* const requantize_avx2;
extern const RequantizeKernels* const requantize_avx512;

[[nodiscard]] const RequantizeKernels& requantize_kernels(Isa isa);

}  // namespace titrate::kernels
