// The formulas as plain loops that the compiler turns into vectors of the file's instruction set; see elementwise_int8.hpp for what they
// compute. For the files of an instruction set only: internal linkage throughout.
#pragma once

#include "engine/kernels/elementwise_int8/elementwise_int8.hpp"

namespace titrate::kernels {
namespace {

template <class Code>
inline constexpr std::int32_t lowest_code = static_cast<Code>(-1) < 0 ? -128 : 0;

// Clamped before rounding: the bounds are integers, so that changes nothing but keeps what follows exact. NaN compares false. Adding
// 1.5 * 2^23 leaves a float of magnitude below 2^22 rounded half to even in the low mantissa bits.
template <class Code>
[[gnu::always_inline]] inline Code rounded_code(float value) {
  constexpr auto low = static_cast<float>(lowest_code<Code>);
  constexpr auto high = static_cast<float>(lowest_code<Code> + 255);
  const float above = value > low ? value : low;
  const float clamped = above < high ? above : high;
  return static_cast<Code>(__builtin_bit_cast(std::int32_t, clamped + 12582912.0F) - 0x4b400000);
}

template <class Code>
void add_codes(const SumOfCodes& sum, const Code* a, const Code* b, Code* target, std::size_t count) noexcept {
  const SumOfCodes with = sum;
  for (std::size_t i = 0; i < count; ++i) {
    const float inner = __builtin_fmaf(static_cast<float>(b[i]), with.b_factor, with.offset);
    target[i] = rounded_code<Code>(__builtin_fmaf(static_cast<float>(a[i]), with.a_factor, inner));
  }
}

template <class Code>
void shift_codes(const SumOfCodes& sum, const Code* a, Code* target, std::size_t count) noexcept {
  const SumOfCodes with = sum;
  for (std::size_t i = 0; i < count; ++i) {
    target[i] = rounded_code<Code>(__builtin_fmaf(static_cast<float>(a[i]), with.a_factor, with.offset));
  }
}

template <class Code>
void multiply_codes(const ProductOfCodes& product, const Code* a, const Code* b, Code* target, std::size_t count) noexcept {
  const ProductOfCodes with = product;
  for (std::size_t i = 0; i < count; ++i) {
    const std::int32_t both = (std::int32_t{a[i]} - with.a_zero) * (std::int32_t{b[i]} - with.b_zero);
    target[i] = rounded_code<Code>(static_cast<float>(both) * with.factor + with.offset);
  }
}

template <class Code>
void multiply_codes_by(const ProductOfCodes& product, const Code* a, Code b, Code* target, std::size_t count) noexcept {
  const ProductOfCodes with = product;
  const std::int32_t other = std::int32_t{b} - with.b_zero;
  for (std::size_t i = 0; i < count; ++i) {
    target[i] = rounded_code<Code>(static_cast<float>((std::int32_t{a[i]} - with.a_zero) * other) * with.factor + with.offset);
  }
}

inline void translate_codes(const std::uint8_t* table, const std::uint8_t* source, std::uint8_t* target, std::size_t count) noexcept {
  for (std::size_t i = 0; i < count; ++i) target[i] = table[source[i]];
}

template <class Code>
constexpr CodeKernels<Code> code_kernels_here = {add_codes<Code>, shift_codes<Code>, multiply_codes<Code>, multiply_codes_by<Code>};

constexpr ElementwiseInt8Kernels elementwise_int8_kernels_here = {code_kernels_here<std::uint8_t>, code_kernels_here<std::int8_t>,
                                                                  translate_codes};

}  // namespace
}  // namespace titrate::kernels
