// The formulas as plain loops that the compiler turns into vectors of the file's instruction set; see requantize.hpp for what they compute.
// For the files of an instruction set only: internal linkage throughout.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/kernels/requantize/requantize.hpp"

namespace titrate::kernels {
namespace {

// Adding 1.5 * 2^23 leaves a float of magnitude below 2^22 rounded half to even in the low mantissa bits.
constexpr float rounder = 12582912.0F;
constexpr std::int32_t rounder_bits = 0x4b400000;

template <class Code>
void requantize_row(const std::int32_t* __restrict sums, const float* __restrict multipliers, std::int32_t zero_point,
                    Code* __restrict codes, std::size_t count) noexcept {
  constexpr std::int32_t lowest = static_cast<Code>(-1) < 0 ? -128 : 0;
  const auto low = static_cast<float>(lowest - zero_point);
  const auto high = static_cast<float>(lowest + 255 - zero_point);
  const std::int32_t shift = zero_point - rounder_bits;
  for (std::size_t i = 0; i < count; ++i) {
    // Clamped before rounding: the bounds are integers, so that changes nothing but keeps the sum below exact. NaN compares false.
    const float product = static_cast<float>(sums[i]) * multipliers[i];
    const float above = product > low ? product : low;
    const float clamped = above < high ? above : high;
    codes[i] = static_cast<Code>(__builtin_bit_cast(std::int32_t, clamped + rounder) + shift);
  }
}

inline void rescale_row(const std::int32_t* __restrict sums, const float* __restrict multipliers, const float* __restrict bias,
                        float* __restrict numbers, std::size_t count) noexcept {
  if (bias == nullptr) {
    for (std::size_t i = 0; i < count; ++i) numbers[i] = static_cast<float>(sums[i]) * multipliers[i];
  } else {
    for (std::size_t i = 0; i < count; ++i) numbers[i] = static_cast<float>(sums[i]) * multipliers[i] + bias[i];
  }
}

constexpr RequantizeKernels requantize_kernels_here = {requantize_row<std::uint8_t>, requantize_row<std::int8_t>, rescale_row};

}  // namespace
}  // namespace titrate::kernels
