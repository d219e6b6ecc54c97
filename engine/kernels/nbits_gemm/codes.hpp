// Codes of a word as floats; see nbits_gemm.hpp. For the files of an instruction set only.
#pragma once

#include "engine/kernels/lanes.hpp"
#include "engine/kernels/nbits_gemm/nbits_gemm.hpp"

namespace titrate::kernels {
namespace {

template <int W>
[[gnu::always_inline]] inline IntLanes<W> load_words(const void* source) {
  IntLanes<W> lanes;
  __builtin_memcpy(&lanes, source, sizeof(lanes));
  return lanes;
}

template <int W>
[[gnu::always_inline]] inline FloatLanes<W> floats_with_bits(IntLanes<W> bits) {
  FloatLanes<W> lanes;
  __builtin_memcpy(&lanes, &bits, sizeof(lanes));
  return lanes;
}

// Where code `index` of a word lies, once the word has been shifted right by `shift` bits: so low that it fits into a mantissa, and few
// different places, because each needs constants in registers.
template <int bits, int index>
struct CodePlace {
  static constexpr int stretch = bits == 8 ? 16 : 8;
  static constexpr int shift = bits * index / stretch * stretch;
  static constexpr int bit = bits * index - shift;
  // A float of this exponent has a last place of 2^-bit: with the code in its mantissa, where it lies, it is 2^(23 - bit) + code. So
  // a code becomes a float without being moved: one and, one or, one subtraction, which is exact.
  static constexpr std::int32_t exponent = (127 + 23 - bit) << 23;
  static constexpr std::int32_t mask = ((1 << bits) - 1) << bit;
  static constexpr float offset = static_cast<float>(1 << (23 - bit));
};

// (code - zero point) * scale for a word shifted by Place::shift, rounded twice as DequantizeLinear does (the difference is exact for
// integer zero points).
template <int W, class Place>
[[gnu::always_inline]] inline FloatLanes<W> weight_at(IntLanes<W> shifted, const float* zero_points, float zero_point,
                                                      FloatLanes<W> scales) {
  const FloatLanes<W> with_offset = floats_with_bits<W>((shifted & Place::mask) | Place::exponent);
  const FloatLanes<W> difference =
      zero_points != nullptr ? (with_offset - Place::offset) - load<W>(zero_points) : with_offset - (Place::offset + zero_point);
  return difference * scales;
}

constexpr std::size_t smaller(std::size_t a, std::size_t b) { return a < b ? a : b; }

}  // namespace
}  // namespace titrate::kernels
