// The kernels as templates; see depthwise_int8.hpp for what they compute. For the files of an instruction set only. Two taps stand side by
// side in 16 bits each because the instruction sets multiply and add such pairs exactly in one step (vpmaddwd); products of bytes
// (vpmaddubsw) would saturate. Pairing up costs shuffles, so it is done once for each image row and not once for each output.
#pragma once

#include "engine/kernels/depthwise_int8/depthwise_int8.hpp"
#include "engine/kernels/lanes.hpp"
#include "engine/kernels/requantize/block.hpp"

namespace titrate::kernels {
namespace {

// --- expanding

template <class Code>
[[gnu::always_inline]] inline void pair_up(const Code* a, const Code* b, std::int16_t* target) {
#if defined(__AVX2__)
  constexpr bool is_signed = static_cast<Code>(-1) < 0;
  __m128i left;
  __m128i right;
  __builtin_memcpy(&left, a, sizeof(left));
  __builtin_memcpy(&right, b, sizeof(right));
  const __m128i low = _mm_unpacklo_epi8(left, right);
  const __m128i high = _mm_unpackhi_epi8(left, right);
  const __m256i wide_low = is_signed ? _mm256_cvtepi8_epi16(low) : _mm256_cvtepu8_epi16(low);
  const __m256i wide_high = is_signed ? _mm256_cvtepi8_epi16(high) : _mm256_cvtepu8_epi16(high);
  __builtin_memcpy(target, &wide_low, sizeof(wide_low));
  __builtin_memcpy(target + depthwise_block, &wide_high, sizeof(wide_high));
#else
  for (std::size_t c = 0; c < depthwise_block; ++c) {
    target[2 * c] = a[c];
    target[2 * c + 1] = b[c];
  }
#endif
}

// The block of a pixel; `spare` if the pixel is not in the row or has fewer channels than a block.
template <class Code>
[[gnu::always_inline]] inline const Code* block_of(const DepthwiseExpansion& with, const Code* row, std::ptrdiff_t pixel,
                                                   const Code* padding, Code* spare) {
  if (pixel < 0 || pixel >= with.pixels) return padding;
  const Code* block = row + pixel * with.pixel_step;
  if (with.channels == depthwise_block) return block;
  for (std::size_t c = 0; c < with.channels; ++c) spare[c] = block[c];
  return spare;
}

template <class Code>
void expand_row(const DepthwiseExpansion& given, const Code* row, std::int16_t* target) noexcept {
  const DepthwiseExpansion with = given;
  Code padding[depthwise_block];
  Code left[depthwise_block] = {};
  Code right[depthwise_block] = {};
  for (Code& code : padding) code = static_cast<Code>(with.padding);
  const std::ptrdiff_t last = with.pixels - with.apart;  // pixels below it have the second tap inside
  for (std::ptrdiff_t p = 0; p < with.positions;) {
    const std::ptrdiff_t pixel = with.first + p * with.step;
    if (with.channels < depthwise_block || pixel < 0 || pixel >= last) {
      const Code* a = block_of(with, row, pixel, padding, left);
      const Code* b = block_of(with, row, pixel + with.apart, padding, right);
      pair_up(a, b, target + p * static_cast<std::ptrdiff_t>(depthwise_position));
      ++p;
      continue;
    }
    std::ptrdiff_t inside = (last - pixel + with.step - 1) / with.step;
    if (inside > with.positions - p) inside = with.positions - p;
    const Code* source = row + pixel * with.pixel_step;
    const std::ptrdiff_t step = with.step * with.pixel_step;
    const std::ptrdiff_t apart = with.apart * with.pixel_step;
    std::int16_t* out = target + p * static_cast<std::ptrdiff_t>(depthwise_position);
    for (std::ptrdiff_t i = 0; i < inside; ++i, source += step, out += depthwise_position) pair_up(source, source + apart, out);
    p += inside;
  }
}

// --- summing

/// For each lane the product of the low halves plus the product of the high halves.
template <int W>
[[gnu::always_inline]] inline IntLanes<W> dot_pairs(IntLanes<W> a, IntLanes<W> b) {
#if defined(__AVX512BW__)
  if constexpr (W == 16)
    return reinterpret_cast<IntLanes<W>>(_mm512_madd_epi16(reinterpret_cast<__m512i>(a), reinterpret_cast<__m512i>(b)));
#endif
#if defined(__AVX2__)
  if constexpr (W == 8) return reinterpret_cast<IntLanes<W>>(_mm256_madd_epi16(reinterpret_cast<__m256i>(a), reinterpret_cast<__m256i>(b)));
#endif
  return ((a << 16) >> 16) * ((b << 16) >> 16) + (a >> 16) * (b >> 16);
}

template <int W>
[[gnu::always_inline]] inline IntLanes<W> load_lanes(const void* source) {
  IntLanes<W> lanes;
  __builtin_memcpy(&lanes, source, sizeof(lanes));
  return lanes;
}

// What is known of a shape when the code is compiled; 0: not known. With PairStep neighbouring outputs are one position apart: addresses
// are constants then, and what two outputs read is loaded once.
template <int Rows, int Pairs, int PairStep>
struct KnownShape {
  static constexpr std::size_t rows(const DepthwiseOutputs& with) { return Rows > 0 ? Rows : with.tap_rows; }
  static constexpr std::size_t pairs(const DepthwiseOutputs& with) { return Pairs > 0 ? Pairs : with.pairs; }
  static constexpr std::ptrdiff_t pair_step(const DepthwiseOutputs& with) { return PairStep > 0 ? PairStep : with.pair_step; }
  static constexpr std::ptrdiff_t output_step(const DepthwiseOutputs& with) { return PairStep > 0 ? 1 : with.output_step; }
};

// The int32 sums of N neighbouring outputs for W channels of the block from `lane` on.
template <int W, int N, class Known>
[[gnu::always_inline]] inline void sum_outputs(const DepthwiseOutputs& with, std::ptrdiff_t position, std::size_t lane,
                                               std::int32_t (*sums)[depthwise_block]) {
  constexpr auto size = static_cast<std::ptrdiff_t>(depthwise_position);
  IntLanes<W> lanes[N];
#pragma GCC unroll 8
  for (int n = 0; n < N; ++n) lanes[n] = load_lanes<W>(with.start + lane);
  const std::int16_t* weights = with.weights + 2 * lane;
  for (std::size_t row = 0; row < Known::rows(with); ++row) {
    const std::int16_t* source = with.rows[row] + position * size + 2 * static_cast<std::ptrdiff_t>(lane);
    for (std::size_t pair = 0; pair < Known::pairs(with); ++pair, weights += size, source += Known::pair_step(with) * size) {
      const IntLanes<W> weight = load_lanes<W>(weights);
#pragma GCC unroll 8
      for (int n = 0; n < N; ++n) {
        lanes[n] += dot_pairs<W>(load_lanes<W>(source + n * Known::output_step(with) * size), weight);
        settle(lanes[n]);
      }
    }
  }
#pragma GCC unroll 8
  for (int n = 0; n < N; ++n) __builtin_memcpy(sums[n] + lane, &lanes[n], sizeof(lanes[n]));
}

template <int W, int N, class Known, class Code>
[[gnu::always_inline]] inline void run_outputs(const DepthwiseOutputs& with, std::ptrdiff_t first, Code* target) {
  alignas(64) std::int32_t sums[N][depthwise_block];
#pragma GCC unroll 4
  for (std::size_t lane = 0; lane < depthwise_block; lane += W) {
    sum_outputs<W, N, Known>(with, first * Known::output_step(with), lane, sums);
  }
#pragma GCC unroll 8
  for (int n = 0; n < N; ++n) {
    Code* out = target + (first + n) * with.pixel_step;
    if (with.stored == depthwise_block) {
      requantize_block<Code>(sums[n], with.multipliers, with.zero_point, out);
    } else {
      Code codes[depthwise_block];
      requantize_block<Code>(sums[n], with.multipliers, with.zero_point, codes);
      for (std::size_t c = with.first_stored; c < with.first_stored + with.stored; ++c) out[c] = codes[c];
    }
  }
}

template <int W, class Known, class Code>
void run_shape(const DepthwiseOutputs& given, Code* target) noexcept {
  constexpr int together = 4;  // outputs that share a load of the weights
  const DepthwiseOutputs with = given;
  const auto outputs = static_cast<std::ptrdiff_t>(with.outputs);
  std::ptrdiff_t done = 0;
  for (; done + together <= outputs; done += together) run_outputs<W, together, Known>(with, done, target);
  switch (outputs - done) {
    case 3:
      return run_outputs<W, 3, Known>(with, done, target);
    case 2:
      return run_outputs<W, 2, Known>(with, done, target);
    case 1:
      return run_outputs<W, 1, Known>(with, done, target);
    default:
      return;
  }
}

template <int W, class Code>
void run_row(const DepthwiseOutputs& with, Code* target) noexcept {
  if (with.output_step == 1 && with.pairs == 2 && with.tap_rows == 3) {               // 3x3
    if (with.pair_step == 2) return run_shape<W, KnownShape<3, 2, 2>>(with, target);  // stride 1
    if (with.pair_step == 1) return run_shape<W, KnownShape<3, 2, 1>>(with, target);  // stride 2
  }
  if (with.output_step == 1 && with.pairs == 3) {  // 5x5
    if (with.pair_step == 2) return run_shape<W, KnownShape<0, 3, 2>>(with, target);
    if (with.pair_step == 1) return run_shape<W, KnownShape<0, 3, 1>>(with, target);
  }
  run_shape<W, KnownShape<0, 0, 0>>(with, target);
}

template <int W>
constexpr DepthwiseInt8Kernels depthwise_int8_kernels_of() {
  return {expand_row<std::uint8_t>, expand_row<std::int8_t>, run_row<W, std::uint8_t>, run_row<W, std::int8_t>};
}

}  // namespace
}  // namespace titrate::kernels
