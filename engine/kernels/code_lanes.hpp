// 8-bit codes in registers. For the files of an instruction set only: everything here has internal linkage.
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace titrate::kernels {
namespace {

template <class Code>
inline constexpr bool signed_codes = static_cast<Code>(-1) < 0;
template <class Code>
inline constexpr std::int32_t lowest_code = signed_codes<Code> ? -128 : 0;

#if defined(__AVX2__)

/// 8 codes as int32.
template <class Code>
[[gnu::always_inline]] inline __m256i eight_codes(const Code* codes) {
  const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(codes));
  return signed_codes<Code> ? _mm256_cvtepi8_epi32(bytes) : _mm256_cvtepu8_epi32(bytes);
}

/// 16 codes as int16.
template <class Code>
[[gnu::always_inline]] inline __m256i sixteen_codes(const Code* codes) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(codes));
  return signed_codes<Code> ? _mm256_cvtepi8_epi16(bytes) : _mm256_cvtepu8_epi16(bytes);
}

#endif

}  // namespace
}  // namespace titrate::kernels
