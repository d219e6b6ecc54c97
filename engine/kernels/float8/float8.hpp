// Codes of small floats (8 bits and fewer, one a byte) of float32 numbers, and back: engine/base/float8.hpp bit for bit, for one scale.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/base/cpu.hpp"

namespace titrate {
struct SmallFloat;
}

namespace titrate::kernels {

/// A format as the loops need it. Magnitudes are codes without their sign.
struct Float8Codes {
  std::int32_t mantissa_bits;
  std::int32_t bias;
  std::int32_t sign;           ///< the sign's bit
  std::int32_t largest;        ///< magnitude of the largest finite value
  std::int32_t overflow;       ///< what becomes of larger ones
  std::int32_t overflow_sign;  ///< all bits if `overflow` takes the sign, else 0
  std::int32_t nan;
  std::int32_t nan_sign;   ///< as overflow_sign
  std::int32_t zero_sign;  ///< as overflow_sign, for what is rounded to 0
  std::int32_t infinity;   ///< its magnitude; -1: there is none
  std::int32_t first_nan;  ///< magnitudes from here on are NaN, but for infinity
  std::int32_t only_nan;   ///< a code with its sign that is NaN; -1: none
};

/// saturate: what is too large, infinity too, becomes the largest value; else infinity or NaN.
[[nodiscard]] Float8Codes float8_codes(const SmallFloat& format, bool saturate);

/// codes[i] = encode(numbers[i] / scale): a true float32 division.
using EncodeFloat8 = void (*)(const Float8Codes&, float scale, const float* numbers, std::uint8_t* codes, std::size_t count) noexcept;
/// numbers[i] = decode(codes[i]) * scale
using DecodeFloat8 = void (*)(const Float8Codes&, float scale, const std::uint8_t* codes, float* numbers, std::size_t count) noexcept;

struct Float8Kernels {
  EncodeFloat8 encode;
  DecodeFloat8 decode;
};

/// Null where the build has no such instruction set.
extern const Float8Kernels* const float8_scalar;
extern const Float8Kernels* const float8_avx2;
extern const Float8Kernels* const float8_avx512;

[[nodiscard]] const Float8Kernels& float8_kernels(Isa isa);

}  // namespace titrate::kernels
