// Sums of four products of 8-bit integers in each 32-bit lane, with what the instruction set has. For the files of an instruction set only.
#pragma once

#include "engine/kernels/nbits_gemm/codes.hpp"

namespace titrate::kernels {
namespace {

// A narrow sum takes up to eight steps (32 k) of 4-bit codes: as int16 pairs 8 * 2 * 15 * 127 = 30480 at most. widened() makes int32 of it.
// A wide sum takes any number of steps of 8-bit codes. Codes are unsigned, `a` is in [-127, 127]. A wide sum is too small by `wide_offset`
// times the sum of a.
template <int W>
struct IntegerDot {
  static constexpr std::int32_t wide_offset = 0;

  [[gnu::always_inline]] static IntLanes<W> wide(IntLanes<W> sums, IntLanes<W> codes, IntLanes<W> a) {
#pragma GCC unroll 4
    for (int byte = 0; byte < 4; ++byte) sums += ((codes >> (8 * byte)) & 255) * ((a << (24 - 8 * byte)) >> 24);
    return sums;
  }
  [[gnu::always_inline]] static IntLanes<W> narrow(IntLanes<W> sums, IntLanes<W> codes, IntLanes<W> a) { return wide(sums, codes, a); }
  [[gnu::always_inline]] static IntLanes<W> widened(IntLanes<W> sums) { return sums; }
};

#if defined(__AVX2__)
template <>
struct IntegerDot<8> {
  // VPMADDUBSW adds two products of u8 and s8 in a saturating int16. With magnitudes of signed codes as u8 nothing saturates: 2 * 128 *
  // 127.
  static constexpr std::int32_t wide_offset = 128;

  [[gnu::always_inline]] static IntLanes<8> wide(IntLanes<8> sums, IntLanes<8> codes, IntLanes<8> a) {
    const __m256i centred = _mm256_xor_si256(reinterpret_cast<__m256i>(codes), _mm256_set1_epi8(-128));
    const __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(centred), _mm256_sign_epi8(reinterpret_cast<__m256i>(a), centred));
    sums += reinterpret_cast<IntLanes<8>>(_mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
    settle(sums);
    return sums;
  }
  [[gnu::always_inline]] static IntLanes<8> narrow(IntLanes<8> sums, IntLanes<8> codes, IntLanes<8> a) {
    const __m256i pairs = _mm256_maddubs_epi16(reinterpret_cast<__m256i>(codes), reinterpret_cast<__m256i>(a));
    sums = reinterpret_cast<IntLanes<8>>(_mm256_add_epi16(reinterpret_cast<__m256i>(sums), pairs));
    settle(sums);
    return sums;
  }
  [[gnu::always_inline]] static IntLanes<8> widened(IntLanes<8> sums) {
    return reinterpret_cast<IntLanes<8>>(_mm256_madd_epi16(reinterpret_cast<__m256i>(sums), _mm256_set1_epi16(1)));
  }
};
#endif

#if defined(__AVX512VNNI__)
template <>
struct IntegerDot<16> {
  static constexpr std::int32_t wide_offset = 0;

  [[gnu::always_inline]] static IntLanes<16> wide(IntLanes<16> sums, IntLanes<16> codes, IntLanes<16> a) {
    return reinterpret_cast<IntLanes<16>>(
        _mm512_dpbusd_epi32(reinterpret_cast<__m512i>(sums), reinterpret_cast<__m512i>(codes), reinterpret_cast<__m512i>(a)));
  }
  [[gnu::always_inline]] static IntLanes<16> narrow(IntLanes<16> sums, IntLanes<16> codes, IntLanes<16> a) { return wide(sums, codes, a); }
  [[gnu::always_inline]] static IntLanes<16> widened(IntLanes<16> sums) { return sums; }
};
#elif defined(__AVX512BW__)
template <>
struct IntegerDot<16> {
  static constexpr std::int32_t wide_offset = 128;  // as on AVX2

  [[gnu::always_inline]] static IntLanes<16> wide(IntLanes<16> sums, IntLanes<16> codes, IntLanes<16> a) {
    const __m512i centred = _mm512_xor_si512(reinterpret_cast<__m512i>(codes), _mm512_set1_epi8(-128));
    const __m512i factor = reinterpret_cast<__m512i>(a);
    const __m512i with_sign = _mm512_mask_sub_epi8(factor, _mm512_movepi8_mask(centred), _mm512_setzero_si512(), factor);
    const __m512i pairs = _mm512_maddubs_epi16(_mm512_abs_epi8(centred), with_sign);
    sums += reinterpret_cast<IntLanes<16>>(_mm512_madd_epi16(pairs, _mm512_set1_epi16(1)));
    settle(sums);
    return sums;
  }
  [[gnu::always_inline]] static IntLanes<16> narrow(IntLanes<16> sums, IntLanes<16> codes, IntLanes<16> a) {
    const __m512i pairs = _mm512_maddubs_epi16(reinterpret_cast<__m512i>(codes), reinterpret_cast<__m512i>(a));
    sums = reinterpret_cast<IntLanes<16>>(_mm512_add_epi16(reinterpret_cast<__m512i>(sums), pairs));
    settle(sums);
    return sums;
  }
  [[gnu::always_inline]] static IntLanes<16> widened(IntLanes<16> sums) {
    return reinterpret_cast<IntLanes<16>>(_mm512_madd_epi16(reinterpret_cast<__m512i>(sums), _mm512_set1_epi16(1)));
  }
};
#endif

}  // namespace
}  // namespace titrate::kernels
