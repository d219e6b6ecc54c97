// The formulas as a template; see float8.hpp for what they compute. For the files of an instruction set only.
#pragma once

#include "engine/kernels/float8/float8.hpp"
#include "engine/kernels/lanes.hpp"

namespace titrate::kernels {
namespace {

constexpr std::int32_t magnitude_mask = 0x7fffffff;
constexpr std::int32_t infinity_bits = 0x7f800000;

#if defined(__AVX512F__)
// Without a mask GCC 12 warns of its own intrinsics' undefined lanes.
constexpr __mmask16 every_lane = 0xffff;
#endif

template <int W>
struct ByteLanes {
  typedef std::uint8_t Bytes __attribute__((vector_size(W)));
};

template <int W>
[[gnu::always_inline]] inline FloatLanes<W> floats_of(IntLanes<W> bits) {
  FloatLanes<W> lanes;
  __builtin_memcpy(&lanes, &bits, sizeof(lanes));
  return lanes;
}

// GCC 12 converts between vectors of bytes and of integers byte by byte, unless it is told how.
template <int W>
[[gnu::always_inline]] inline IntLanes<W> load_bytes(const std::uint8_t* source) {
#if defined(__AVX512F__)
  if constexpr (W == 16)
    return reinterpret_cast<IntLanes<W>>(_mm512_maskz_cvtepu8_epi32(every_lane, _mm_loadu_si128(reinterpret_cast<const __m128i*>(source))));
#endif
#if defined(__AVX2__)
  if constexpr (W == 8)
    return reinterpret_cast<IntLanes<W>>(_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(source))));
#endif
  typename ByteLanes<W>::Bytes bytes;
  __builtin_memcpy(&bytes, source, W);
  return __builtin_convertvector(bytes, IntLanes<W>);
}

template <int W>
[[gnu::always_inline]] inline void store_bytes(std::uint8_t* target, IntLanes<W> lanes) {
#if defined(__AVX512F__)
  if constexpr (W == 16) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(target), _mm512_maskz_cvtepi32_epi8(every_lane, reinterpret_cast<__m512i>(lanes)));
    return;
  }
#endif
#if defined(__AVX2__)
  if constexpr (W == 8) {
    const auto both = reinterpret_cast<__m256i>(lanes);
    const __m128i words = _mm_packus_epi32(_mm256_castsi256_si128(both), _mm256_extracti128_si256(both, 1));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(target), _mm_packus_epi16(words, words));
    return;
  }
#endif
  const auto bytes = __builtin_convertvector(lanes, typename ByteLanes<W>::Bytes);
  __builtin_memcpy(target, &bytes, W);
}

// 2^exponent, for normal floats.
[[gnu::always_inline]] inline float power_of_two(std::int32_t exponent) { return __builtin_bit_cast(float, (exponent + 127) << 23); }

template <int W>
[[gnu::always_inline]] inline IntLanes<W> encode_lanes(const Float8Codes& f, FloatLanes<W> numbers) {
  const std::int32_t shift = 23 - f.mantissa_bits;
  const std::int32_t least_normal = (128 - f.bias) << 23;
  const IntLanes<W> bits = bits_of<W>(numbers);
  const IntLanes<W> magnitude = bits & magnitude_mask;
  const IntLanes<W> is_nan = magnitude > infinity_bits;
  const IntLanes<W> number = magnitude & ~is_nan;
  // Rounding half to even by adding almost a half, or a half where the last place that stays is odd; a carry grows the exponent.
  const IntLanes<W> rounded = number + ((1 << (shift - 1)) - 1) + ((number >> shift) & 1);
  const IntLanes<W> normal = (rounded >> shift) - ((127 - f.bias) << f.mantissa_bits);
  // Added to a number below the least normal one this leaves multiples of the least value, rounded half to even, in the low mantissa bits.
  const float rounder = power_of_two(24 - f.bias - f.mantissa_bits);
  const IntLanes<W> subnormal = bits_of<W>(floats_of<W>(number) + rounder) - __builtin_bit_cast(std::int32_t, rounder);
  const IntLanes<W> is_subnormal = number < least_normal;
  IntLanes<W> code = (subnormal & is_subnormal) | (normal & ~is_subnormal);
  const IntLanes<W> too_large = (code > f.largest) & ~is_subnormal;
  const IntLanes<W> keeps_sign = (~(code == 0) | f.zero_sign) & (~too_large | f.overflow_sign);
  const IntLanes<W> sign = (bits >> 31) & f.sign & ((keeps_sign & ~is_nan) | (is_nan & f.nan_sign));
  code = (code & ~too_large) | (too_large & f.overflow);
  code = (code & ~is_nan) | (is_nan & f.nan);
  return code | sign;
}

template <int W>
[[gnu::always_inline]] inline FloatLanes<W> decode_lanes(const Float8Codes& f, IntLanes<W> code) {
  const IntLanes<W> magnitude = code & (f.sign - 1);
  const float least = power_of_two(1 - f.bias - f.mantissa_bits);
  const IntLanes<W> subnormal = bits_of<W>(__builtin_convertvector(magnitude, FloatLanes<W>) * least);
  const IntLanes<W> is_subnormal = magnitude < (1 << f.mantissa_bits);
  const IntLanes<W> normal = (magnitude << (23 - f.mantissa_bits)) + ((127 - f.bias) << 23);
  IntLanes<W> bits = (subnormal & is_subnormal) | (normal & ~is_subnormal);
  const IntLanes<W> infinite = magnitude == f.infinity;
  bits = (bits & ~infinite) | (infinite & infinity_bits);
  bits |= (code & f.sign) != 0 ? IntLanes<W>{} + ~magnitude_mask : IntLanes<W>{};
  const IntLanes<W> is_nan = ((magnitude >= f.first_nan) & ~infinite) | (code == f.only_nan);
  return floats_of<W>(bits | (is_nan & 0x7fc00000));
}

template <int W>
[[gnu::always_inline]] inline void encode_step(const Float8Codes& format, float scale, const float* numbers, std::uint8_t* codes) {
  store_bytes<W>(codes, encode_lanes<W>(format, load<W>(numbers) / scale));
}

template <int W>
[[gnu::always_inline]] inline void decode_step(const Float8Codes& format, float scale, const std::uint8_t* codes, float* numbers) {
  store<W>(numbers, decode_lanes<W>(format, load_bytes<W>(codes)) * scale);
}

template <int W>
void encode_numbers(const Float8Codes& format, float scale, const float* numbers, std::uint8_t* codes, std::size_t count) noexcept {
  const Float8Codes f = format;  // stores of bytes could change what lies elsewhere
  std::size_t i = 0;
  for (; i + W <= count; i += W) encode_step<W>(f, scale, numbers + i, codes + i);
  float last[W] = {};
  std::uint8_t last_codes[W];
  if (i == count) return;
  for (std::size_t j = 0; j < count - i; ++j) last[j] = numbers[i + j];
  encode_step<W>(f, scale, last, last_codes);
  for (std::size_t j = 0; j < count - i; ++j) codes[i + j] = last_codes[j];
}

template <int W>
void decode_codes(const Float8Codes& format, float scale, const std::uint8_t* codes, float* numbers, std::size_t count) noexcept {
  const Float8Codes f = format;
  std::size_t i = 0;
  for (; i + W <= count; i += W) decode_step<W>(f, scale, codes + i, numbers + i);
  std::uint8_t last[W] = {};
  float last_numbers[W];
  if (i == count) return;
  for (std::size_t j = 0; j < count - i; ++j) last[j] = codes[i + j];
  decode_step<W>(f, scale, last, last_numbers);
  for (std::size_t j = 0; j < count - i; ++j) numbers[i + j] = last_numbers[j];
}

template <int W>
constexpr Float8Kernels float8_kernels_of() {
  return {encode_numbers<W>, decode_codes<W>};
}

}  // namespace
}  // namespace titrate::kernels
