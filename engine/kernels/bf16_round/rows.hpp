// By integer operations alone: VCVTNEPS2BF16 would make zeros of subnormal numbers. For the files of an instruction set only.
#pragma once

#include "engine/kernels/bf16_round/bf16_round.hpp"
#include "engine/kernels/word_lanes.hpp"

namespace titrate::kernels {
namespace {

/// The upper half of each word holds the rounded number; what the lower half holds is left over.
template <int W>
[[gnu::always_inline]] inline Words<W> rounded_words(Words<W> bits) {
  const Words<W> nearest = bits + 0x7fffU + ((bits >> 16) & 1U);
  // Adding could carry a NaN into infinity or zero; the highest bit of its mantissa keeps it one.
  const Words<W> quiet = bits | 0x400000U;
  return (bits & 0x7fffffffU) > 0x7f800000U ? quiet : nearest;
}

[[gnu::always_inline]] inline std::uint32_t rounded_word(const float* source) {
  std::uint32_t bits;
  __builtin_memcpy(&bits, source, sizeof(bits));
  return (bits & 0x7fffffffU) > 0x7f800000U ? bits | 0x400000U : bits + 0x7fffU + ((bits >> 16) & 1U);
}

template <int W>
void round_pairs(const float* even, const float* odd, std::uint32_t* pairs, std::size_t count) noexcept {
  std::size_t i = 0;
  for (; i + W <= count; i += W) {
    const Words<W> made = rounded_words<W>(load_words<W>(even + i)) >> 16 | (rounded_words<W>(load_words<W>(odd + i)) & 0xffff0000U);
    __builtin_memcpy(pairs + i, &made, sizeof(made));
  }
  for (; i < count; ++i) pairs[i] = rounded_word(even + i) >> 16 | (rounded_word(odd + i) & 0xffff0000U);
}

template <int W>
void round_row(const float* source, std::uint16_t* target, std::size_t count) noexcept {
  std::size_t i = 0;
  for (; i + W <= count; i += W) {
    const auto made = __builtin_convertvector(rounded_words<W>(load_words<W>(source + i)) >> 16, typename WordLanes<W>::Halves);
    __builtin_memcpy(target + i, &made, sizeof(made));
  }
  for (; i < count; ++i) target[i] = static_cast<std::uint16_t>(rounded_word(source + i) >> 16);
}

template <int W>
constexpr Bf16Rounding bf16_rounding_of() {
  return {.pairs = round_pairs<W>, .row = round_row<W>};
}

}  // namespace
}  // namespace titrate::kernels
