// The formulas as plain loops that the compiler turns into vectors of the file's instruction set; see float8.hpp for what they compute.
// For the files of an instruction set only: internal linkage throughout.
#pragma once

#include "engine/kernels/float8/float8.hpp"

namespace titrate::kernels {
namespace {

constexpr std::int32_t magnitude_mask = 0x7fffffff;
constexpr std::int32_t infinity_bits = 0x7f800000;

// 2^exponent, for normal floats.
[[gnu::always_inline]] inline float power_of_two(std::int32_t exponent) { return __builtin_bit_cast(float, (exponent + 127) << 23); }

void encode_numbers(const Float8Codes& format, float scale, const float* __restrict numbers, std::uint8_t* __restrict codes,
                    std::size_t count) noexcept {
  const Float8Codes f = format;
  const std::int32_t shift = 23 - f.mantissa_bits;
  const std::int32_t half = (1 << (shift - 1)) - 1;
  const std::int32_t bias = (127 - f.bias) << f.mantissa_bits;
  const std::int32_t least_normal = (128 - f.bias) << 23;
  // Added to a number below the least normal one it leaves multiples of the least value, rounded half to even, in the low mantissa bits.
  const float rounder = power_of_two(24 - f.bias - f.mantissa_bits);
  const std::int32_t rounder_bits = __builtin_bit_cast(std::int32_t, rounder);
  for (std::size_t i = 0; i < count; ++i) {
    const float number = numbers[i] / scale;
    const auto bits = __builtin_bit_cast(std::int32_t, number);
    const std::int32_t magnitude = bits & magnitude_mask;
    // Rounding half to even by adding almost a half, or a half where the last place that stays is odd; a carry grows the exponent.
    // Unsigned: NaN may run over.
    const auto rounded =
        static_cast<std::int32_t>(static_cast<std::uint32_t>(magnitude) + static_cast<std::uint32_t>(half + ((magnitude >> shift) & 1)));
    const std::int32_t normal = (rounded >> shift) - bias;
    const std::int32_t subnormal = __builtin_bit_cast(std::int32_t, __builtin_bit_cast(float, magnitude) + rounder) - rounder_bits;
    std::int32_t code = magnitude < least_normal ? subnormal : normal;
    std::int32_t sign = bits < 0 ? f.sign : 0;
    sign &= code == 0 ? f.zero_sign : -1;
    const bool too_large = magnitude >= least_normal && code > f.largest;
    sign &= too_large ? f.overflow_sign : -1;
    code = too_large ? f.overflow : code;
    const bool is_nan = magnitude > infinity_bits;
    sign = is_nan ? (bits < 0 ? f.sign & f.nan_sign : 0) : sign;
    code = is_nan ? f.nan : code;
    codes[i] = static_cast<std::uint8_t>(code | sign);
  }
}

void decode_codes(const Float8Codes& format, float scale, const std::uint8_t* __restrict codes, float* __restrict numbers,
                  std::size_t count) noexcept {
  const Float8Codes f = format;
  const std::int32_t shift = 23 - f.mantissa_bits;
  const std::int32_t bias = (127 - f.bias) << 23;
  const std::int32_t first_normal = 1 << f.mantissa_bits;
  const float least = power_of_two(1 - f.bias - f.mantissa_bits);
  const std::int32_t not_a_number = 0x7fc00000;
  for (std::size_t i = 0; i < count; ++i) {
    const std::int32_t code = codes[i];
    const std::int32_t magnitude = code & (f.sign - 1);
    const std::int32_t subnormal = __builtin_bit_cast(std::int32_t, static_cast<float>(magnitude) * least);
    std::int32_t bits = magnitude < first_normal ? subnormal : (magnitude << shift) + bias;
    bits = magnitude >= f.first_nan ? not_a_number : bits;
    bits = magnitude == f.infinity ? infinity_bits : bits;
    bits |= (code & f.sign) != 0 ? ~magnitude_mask : 0;
    bits = code == f.only_nan ? not_a_number : bits;
    numbers[i] = __builtin_bit_cast(float, bits) * scale;
  }
}

constexpr Float8Kernels float8_kernels_here = {encode_numbers, decode_codes};

}  // namespace
}  // namespace titrate::kernels
