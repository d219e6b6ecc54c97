// The formulas as plain loops that the compiler turns into vectors of the file's instruction set; see quantize.hpp for what they compute.
// For the files of an instruction set only: internal linkage throughout.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/kernels/quantize/quantize.hpp"

namespace titrate::kernels {
namespace {

// Adding 1.5 * 2^23 leaves a float of magnitude below 2^22 rounded half to even in the low mantissa bits.
constexpr float rounder = 12582912.0F;
constexpr std::int32_t rounder_bits = 0x4b400000;

template <class Code>
[[gnu::always_inline]] inline void quantize_loop(const AffineCode& code, const float* __restrict numbers, Code* __restrict codes,
                                                 std::size_t count) {
  const float scale = code.scale;
  const auto low = static_cast<float>(code.lowest - code.zero_point);
  const auto high = static_cast<float>(code.highest - code.zero_point);
  const std::int32_t shift = code.zero_point - rounder_bits;
  for (std::size_t i = 0; i < count; ++i) {
    // Clamped before rounding: the bounds are integers, so that changes nothing but keeps the sum below exact. NaN compares false.
    const float quotient = numbers[i] / scale;
    const float above = quotient > low ? quotient : low;
    const float clamped = above < high ? above : high;
    codes[i] = static_cast<Code>(__builtin_bit_cast(std::int32_t, clamped + rounder) + shift);
  }
}

template <class Code>
void quantize_codes(const AffineCode& code, const float* numbers, Code* codes, std::size_t count) noexcept {
  quantize_loop(code, numbers, codes, count);
}

void quantize_groups(const GroupedCode& code, const float* numbers, std::int16_t* codes, std::size_t count) noexcept {
  for (std::size_t first = 0, index = 0; first < count; first += code.group, ++index) {
    const std::size_t here = count - first < code.group ? count - first : code.group;
    const AffineCode own{code.scales[index], code.zero_points[index], code.lowest, code.highest};
    quantize_loop(own, numbers + first, codes + first, here);
  }
}

template <class Code>
void dequantize_codes(const AffineCode& code, const Code* __restrict codes, float* __restrict numbers, std::size_t count) noexcept {
  const float scale = code.scale;
  const std::int32_t zero_point = code.zero_point;
  for (std::size_t i = 0; i < count; ++i) numbers[i] = static_cast<float>(static_cast<std::int32_t>(codes[i]) - zero_point) * scale;
}

constexpr QuantizeKernels quantize_kernels_here = {
    quantize_codes<std::uint8_t>,    quantize_codes<std::int8_t>,    quantize_codes<std::uint16_t>,
    quantize_codes<std::int16_t>,    dequantize_codes<std::uint8_t>, dequantize_codes<std::int8_t>,
    dequantize_codes<std::uint16_t>, dequantize_codes<std::int16_t>, quantize_groups};

}  // namespace
}  // namespace titrate::kernels
