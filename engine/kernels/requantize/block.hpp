// 16 sums to 16 codes in registers: the formula of requantize.hpp for kernels that end in codes. For the files of an instruction set only.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/kernels/requantize/row.hpp"

#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace titrate::kernels {
namespace {

#if defined(__AVX2__)

// The conversion rounds half to even and gives the lowest int32 for NaN and for what does not fit; only what is too large must be held
// back. Narrowing to int16 and adding the zero point saturate in turn, which is the same as saturating once: the zero point is below 2^8.
[[gnu::always_inline]] inline __m256i rounded(__m256 numbers) {
  constexpr float largest = 1073741824.0F;
  return _mm256_cvtps_epi32(_mm256_min_ps(_mm256_set1_ps(largest), numbers));  // NaN in the second one stays
}

/// Saturates numbers 0-7 and 8-15, which were rounded, plus a zero point in each int16 of `zero_points`.
template <class Code>
[[gnu::always_inline]] inline __m128i narrowed(__m256i low, __m256i high, __m256i zero_points) {
  // Narrowing works in halves of a register: 0-3 8-11 | 4-7 12-15.
  const __m256i moved = _mm256_adds_epi16(_mm256_packs_epi32(low, high), zero_points);
  const __m256i bytes = static_cast<Code>(-1) < 0 ? _mm256_packs_epi16(moved, moved) : _mm256_packus_epi16(moved, moved);
  return _mm256_castsi256_si128(_mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 4, 1, 5, 0, 4, 1, 5)));
}

[[gnu::always_inline]] inline __m256i rounded_products(const std::int32_t* sums, const float* multipliers) {
  const __m256i codes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(sums));
  return rounded(_mm256_mul_ps(_mm256_cvtepi32_ps(codes), _mm256_loadu_ps(multipliers)));
}

template <class Code>
[[gnu::always_inline]] inline void requantize_block(const std::int32_t* sums, const float* multipliers, std::int32_t zero_point,
                                                    Code* codes) {
  const __m256i zero_points = _mm256_set1_epi16(static_cast<std::int16_t>(zero_point));
  const __m128i bytes = narrowed<Code>(rounded_products(sums, multipliers), rounded_products(sums + 8, multipliers + 8), zero_points);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(codes), bytes);
}

#else

template <class Code>
[[gnu::always_inline]] inline void requantize_block(const std::int32_t* sums, const float* multipliers, std::int32_t zero_point,
                                                    Code* codes) {
  requantize_row<Code>(sums, multipliers, zero_point, codes, 16);
}

#endif

/// A row of any length, block by block.
template <class Code>
void requantize_blocks(const std::int32_t* sums, const float* multipliers, std::int32_t zero_point, Code* codes,
                       std::size_t count) noexcept {
  std::size_t i = 0;
  for (; i + 16 <= count; i += 16) requantize_block(sums + i, multipliers + i, zero_point, codes + i);
  if (i < count) requantize_row(sums + i, multipliers + i, zero_point, codes + i, count - i);
}

}  // namespace
}  // namespace titrate::kernels
