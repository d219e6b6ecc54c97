// Elementwise arithmetic on 8-bit codes: sums and products of two tensors with scales of their own, and tables of 256 codes. target may be
// one of the sources; other overlaps are not allowed. Every variant gives the same codes, which are those of ONNX Runtime on x86-64 with
// AVX2: only what saturates far outside the range (values of 2^31 and more) saturates to the right side here, and to the lowest code there.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/base/cpu.hpp"

namespace titrate::kernels {

/// code = saturate(round_half_to_even(fma(a, a_factor, fma(b, b_factor, offset)))) with a and b as they are stored: the zero points, that
/// of the result too, are in the offset. For QLinearAdd a_factor is a_scale / c_scale, and so on.
struct SumOfCodes {
  float a_factor;
  float b_factor;
  float offset;
};

/// code = saturate(round_half_to_even(float((a - a_zero) * (b - b_zero)) * factor + offset)): product and sum each rounded to float32. For
/// QLinearMul factor is a_scale * b_scale / c_scale, offset the zero point of the result.
struct ProductOfCodes {
  std::int32_t a_zero;
  std::int32_t b_zero;
  float factor;
  float offset;
};

template <class Code>
struct CodeKernels {
  void (*add)(const SumOfCodes&, const Code* a, const Code* b, Code* target, std::size_t count) noexcept;
  /// code = saturate(round_half_to_even(fma(a, a_factor, offset))): one code added to many.
  void (*shift)(const SumOfCodes&, const Code* a, Code* target, std::size_t count) noexcept;
  void (*multiply)(const ProductOfCodes&, const Code* a, const Code* b, Code* target, std::size_t count) noexcept;
  void (*multiply_by)(const ProductOfCodes&, const Code* a, Code b, Code* target, std::size_t count) noexcept;
};

struct ElementwiseInt8Kernels {
  CodeKernels<std::uint8_t> u8;
  CodeKernels<std::int8_t> s8;
  /// target = table[source]: any function of one code.
  void (*translate)(const std::uint8_t* table, const std::uint8_t* source, std::uint8_t* target, std::size_t count) noexcept;

  template <class Code>
  [[nodiscard]] const CodeKernels<Code>& of() const {
    if constexpr (static_cast<Code>(-1) < 0) {
      return s8;
    } else {
      return u8;
    }
  }
};

/// Null where the build has no such instruction set.
extern const ElementwiseInt8Kernels* const elementwise_int8_scalar;
extern const ElementwiseInt8Kernels* const elementwise_int8_avx2;
extern const ElementwiseInt8Kernels* const elementwise_int8_avx512;

[[nodiscard]] const ElementwiseInt8Kernels& elementwise_int8_kernels(Isa isa);

}  // namespace titrate::kernels
