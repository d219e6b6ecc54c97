// The formulas, 16 codes at a time where the instruction set has AVX2 and one by one elsewhere; see elementwise_int8.hpp for what they
// compute. For the files of an instruction set only: internal linkage throughout.
#pragma once

#include "engine/kernels/code_lanes.hpp"
#include "engine/kernels/elementwise_int8/elementwise_int8.hpp"
#include "engine/kernels/requantize/block.hpp"

namespace titrate::kernels {
namespace {

constexpr std::size_t block = 16;  // codes

#if defined(__AVX2__)

template <class Code>
[[gnu::always_inline]] inline void store_codes(__m256 low, __m256 high, Code* target) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(target), narrowed<Code>(rounded(low), rounded(high), _mm256_setzero_si256()));
}

template <class Code>
[[gnu::always_inline]] inline __m256 eight_numbers(const Code* codes) {
  return _mm256_cvtepi32_ps(eight_codes(codes));
}

template <class Code>
[[gnu::always_inline]] inline void add_block(const SumOfCodes& with, const Code* a, const Code* b, Code* target) {
  const __m256 offset = _mm256_set1_ps(with.offset);
  const __m256 a_factor = _mm256_set1_ps(with.a_factor);
  const __m256 b_factor = _mm256_set1_ps(with.b_factor);
  const __m256 low = _mm256_fmadd_ps(eight_numbers(b), b_factor, offset);
  const __m256 high = _mm256_fmadd_ps(eight_numbers(b + 8), b_factor, offset);
  store_codes(_mm256_fmadd_ps(eight_numbers(a), a_factor, low), _mm256_fmadd_ps(eight_numbers(a + 8), a_factor, high), target);
}

template <class Code>
[[gnu::always_inline]] inline void shift_block(const SumOfCodes& with, const Code* a, Code* target) {
  const __m256 offset = _mm256_set1_ps(with.offset);
  const __m256 a_factor = _mm256_set1_ps(with.a_factor);
  store_codes(_mm256_fmadd_ps(eight_numbers(a), a_factor, offset), _mm256_fmadd_ps(eight_numbers(a + 8), a_factor, offset), target);
}

template <class Code>
[[gnu::always_inline]] inline void multiply_block(const ProductOfCodes& with, const Code* a, const Code* b, Code* target) {
  const __m256 factor = _mm256_set1_ps(with.factor);
  const __m256 offset = _mm256_set1_ps(with.offset);
  const __m256i left = _mm256_sub_epi16(sixteen_codes(a), _mm256_set1_epi16(static_cast<std::int16_t>(with.a_zero)));
  const __m256i right = _mm256_sub_epi16(sixteen_codes(b), _mm256_set1_epi16(static_cast<std::int16_t>(with.b_zero)));
  const __m256i low_bits = _mm256_mullo_epi16(left, right);
  const __m256i high_bits = _mm256_mulhi_epi16(left, right);
  const auto scaled = [=](__m256i products) { return _mm256_add_ps(_mm256_mul_ps(_mm256_cvtepi32_ps(products), factor), offset); };
  // Products 0-3 8-11 and 4-7 12-15, as unpacking gives them, are what narrowing brings back into order.
  const __m256i low = rounded(scaled(_mm256_unpacklo_epi16(low_bits, high_bits)));
  const __m256i narrow = _mm256_packs_epi32(low, rounded(scaled(_mm256_unpackhi_epi16(low_bits, high_bits))));
  const __m256i bytes = signed_codes<Code> ? _mm256_packs_epi16(narrow, narrow) : _mm256_packus_epi16(narrow, narrow);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(target), _mm256_castsi256_si128(_mm256_permute4x64_epi64(bytes, 0b1000)));
}

#else

// Clamped before rounding: the bounds are integers, so that changes nothing but keeps what follows exact. NaN compares false. Adding
// 1.5 * 2^23 leaves a float of magnitude below 2^22 rounded half to even in the low mantissa bits.
template <class Code>
[[gnu::always_inline]] inline Code rounded_code(float value) {
  constexpr auto low = static_cast<float>(lowest_code<Code>);
  constexpr auto high = static_cast<float>(lowest_code<Code> + 255);
  const float above = value > low ? value : low;
  const float clamped = above < high ? above : high;
  return static_cast<Code>(__builtin_bit_cast(std::int32_t, clamped + rounder) - rounder_bits);
}

template <class Code>
[[gnu::always_inline]] inline void add_block(const SumOfCodes& with, const Code* a, const Code* b, Code* target) {
  for (std::size_t i = 0; i < block; ++i) {
    const float inner = __builtin_fmaf(static_cast<float>(b[i]), with.b_factor, with.offset);
    target[i] = rounded_code<Code>(__builtin_fmaf(static_cast<float>(a[i]), with.a_factor, inner));
  }
}

template <class Code>
[[gnu::always_inline]] inline void shift_block(const SumOfCodes& with, const Code* a, Code* target) {
  for (std::size_t i = 0; i < block; ++i) {
    target[i] = rounded_code<Code>(__builtin_fmaf(static_cast<float>(a[i]), with.a_factor, with.offset));
  }
}

template <class Code>
[[gnu::always_inline]] inline void multiply_block(const ProductOfCodes& with, const Code* a, const Code* b, Code* target) {
  for (std::size_t i = 0; i < block; ++i) {
    const std::int32_t both = (std::int32_t{a[i]} - with.a_zero) * (std::int32_t{b[i]} - with.b_zero);
    target[i] = rounded_code<Code>(static_cast<float>(both) * with.factor + with.offset);
  }
}

#endif

// Whole blocks by body(a, b, target), then the rest through blocks that are filled up with zeros.
template <class Code, class Body>
[[gnu::always_inline]] inline void for_blocks(const Code* a, const Code* b, Code* target, std::size_t count, const Body& body) {
  std::size_t done = 0;
  for (; done + block <= count; done += block) body(a + done, b + done, target + done);
  if (done == count) return;
  Code rest_a[block] = {};
  Code rest_b[block] = {};
  Code rest[block];
  for (std::size_t i = 0; done + i < count; ++i) {
    rest_a[i] = a[done + i];
    rest_b[i] = b[done + i];
  }
  body(rest_a, rest_b, rest);
  for (std::size_t i = 0; done + i < count; ++i) target[done + i] = rest[i];
}

template <class Code>
void add_codes(const SumOfCodes& sum, const Code* a, const Code* b, Code* target, std::size_t count) noexcept {
  const SumOfCodes with = sum;
  for_blocks(a, b, target, count, [=](const Code* x, const Code* y, Code* out) { add_block(with, x, y, out); });
}

template <class Code>
void shift_codes(const SumOfCodes& sum, const Code* a, Code* target, std::size_t count) noexcept {
  const SumOfCodes with = sum;
  for_blocks(a, a, target, count, [=](const Code* x, const Code*, Code* out) { shift_block(with, x, out); });
}

template <class Code>
void multiply_codes(const ProductOfCodes& product, const Code* a, const Code* b, Code* target, std::size_t count) noexcept {
  const ProductOfCodes with = product;
  for_blocks(a, b, target, count, [=](const Code* x, const Code* y, Code* out) { multiply_block(with, x, y, out); });
}

template <class Code>
void multiply_codes_by(const ProductOfCodes& product, const Code* a, Code b, Code* target, std::size_t count) noexcept {
  const ProductOfCodes with = product;
  Code repeated[block];
  for (Code& code : repeated) code = b;
  for_blocks(a, a, target, count, [&](const Code* x, const Code*, Code* out) { multiply_block(with, x, repeated, out); });
}

inline void translate_one_by_one(const std::uint8_t* table, const std::uint8_t* source, std::uint8_t* target, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) target[i] = table[source[i]];
}

#if defined(__AVX2__)

// A shuffle looks up 16 entries by the low half of each byte and gives 0 where the byte's top bit is set. The table is cut into 16 rows,
// each stored as the difference (exclusive or) from the row before it: a code of row r takes part in the look-ups of the rows 0 to r, and
// what they give adds up to row r. Counting down in steps of 16 with saturation sets the top bit once the code's row is passed, for good.
// Codes from 128 on go through rows 8 to 15 in the same way with their top bit turned.
inline void translate_codes(const std::uint8_t* table, const std::uint8_t* source, std::uint8_t* target, std::size_t count) noexcept {
  constexpr std::size_t together = 64;
  constexpr int half = 8;
  if (count < together) return translate_one_by_one(table, source, target, count);
  __m256i rows[2 * half];
  for (int row = 0; row < 2 * half; ++row) {
    const __m128i entries = _mm_loadu_si128(reinterpret_cast<const __m128i*>(table + 16 * row));
    const __m128i before = _mm_loadu_si128(reinterpret_cast<const __m128i*>(table + 16 * (row % half == 0 ? row : row - 1)));
    rows[row] = _mm256_broadcastsi128_si256(row % half == 0 ? entries : _mm_xor_si128(entries, before));
  }
  const __m256i step = _mm256_set1_epi8(16);
  const __m256i top = _mm256_set1_epi8(-128);
  std::size_t done = 0;
  for (; done + together <= count; done += together) {
    __m256i low[2];
    __m256i high[2];
    __m256i result[2];
#pragma GCC unroll 2
    for (int part = 0; part < 2; ++part) {
      low[part] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(source + done + 32 * part));
      high[part] = _mm256_xor_si256(low[part], top);
      result[part] = _mm256_setzero_si256();
    }
#pragma GCC unroll 8
    for (int row = 0; row < half; ++row) {
#pragma GCC unroll 2
      for (int part = 0; part < 2; ++part) {
        result[part] = _mm256_xor_si256(result[part], _mm256_shuffle_epi8(rows[row], low[part]));
        result[part] = _mm256_xor_si256(result[part], _mm256_shuffle_epi8(rows[half + row], high[part]));
        low[part] = _mm256_subs_epi8(low[part], step);
        high[part] = _mm256_subs_epi8(high[part], step);
      }
    }
#pragma GCC unroll 2
    for (int part = 0; part < 2; ++part) {
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(target + done + 32 * part), result[part]);
    }
  }
  translate_one_by_one(table, source + done, target + done, count - done);
}

#else

inline void translate_codes(const std::uint8_t* table, const std::uint8_t* source, std::uint8_t* target, std::size_t count) noexcept {
  translate_one_by_one(table, source, target, count);
}

#endif

template <class Code>
constexpr CodeKernels<Code> code_kernels_here = {add_codes<Code>, shift_codes<Code>, multiply_codes<Code>, multiply_codes_by<Code>};

constexpr ElementwiseInt8Kernels elementwise_int8_kernels_here = {code_kernels_here<std::uint8_t>, code_kernels_here<std::int8_t>,
                                                                  translate_codes};

}  // namespace
}  // namespace titrate::kernels
