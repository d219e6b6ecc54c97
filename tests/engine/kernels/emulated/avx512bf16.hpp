// As avx512.hpp, for the files of AVX512-BF16. SIMDe's form adds the even product of a pair before the odd one and keeps subnormal numbers;
// this one is what Intel's manual says.
#pragma once

#include <immintrin.h>
#include <simde/x86/avx512/types.h>

#include "tests/engine/kernels/emulated/avx512.hpp"
#include "tests/engine/kernels/flushing_float.hpp"

namespace titrate::kernels {
namespace {

[[maybe_unused]] simde__m512 emulated_dpbf16(simde__m512 sums, simde__m512bh a, simde__m512bh b) {
  float lanes[16];
  std::uint32_t left[16];
  std::uint32_t right[16];
  __builtin_memcpy(lanes, &sums, sizeof(lanes));
  __builtin_memcpy(left, &a, sizeof(left));
  __builtin_memcpy(right, &b, sizeof(right));
  for (std::size_t lane = 0; lane < 16; ++lane) lanes[lane] = flushed_dot(lanes[lane], left[lane], right[lane]);
  __builtin_memcpy(&sums, lanes, sizeof(lanes));
  return sums;
}

}  // namespace
}  // namespace titrate::kernels

#define _mm512_dpbf16_ps titrate::kernels::emulated_dpbf16
#define __AVX512BF16__ 1
