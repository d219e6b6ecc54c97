// float32 to bfloat16, rounded to nearest even; subnormal numbers are kept and NaN stays NaN. Apart from the products, since the level of
// AMX has no better way than that of AVX-512.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/base/cpu.hpp"

namespace titrate::kernels {

struct Bf16Rounding {
  /// Two rows of numbers into one of pairs: the even one in the low half of a word.
  void (*pairs)(const float* even, const float* odd, std::uint32_t* target, std::size_t count) noexcept;
  /// A row of numbers, neighbours in memory as they were.
  void (*row)(const float* source, std::uint16_t* target, std::size_t count) noexcept;
};

/// Null where the build has no such instruction set.
extern const Bf16Rounding* const bf16_rounding_scalar;
extern const Bf16Rounding* const bf16_rounding_avx2;
extern const Bf16Rounding* const bf16_rounding_avx512;

/// For a level; equal bits on all.
[[nodiscard]] const Bf16Rounding& bf16_rounding(Isa isa);

}  // namespace titrate::kernels
