// The kernels over a block of channels in registers where the instruction set has AVX2, channel by channel elsewhere; see pooling_int8.hpp
// for what they compute. For the files of an instruction set only: internal linkage throughout.
#pragma once

#include "engine/kernels/code_lanes.hpp"
#include "engine/kernels/pooling_int8/pooling_int8.hpp"
#include "engine/kernels/requantize/block.hpp"

namespace titrate::kernels {
namespace {

// body(tap) for each tap of the window, in order.
template <class Code, class Body>
[[gnu::always_inline]] inline void for_each_tap(const PixelWindow& window, const Code* first, const Body& body) {
  for (std::ptrdiff_t d = 0; d < window.counts[0]; ++d) {
    for (std::ptrdiff_t h = 0; h < window.counts[1]; ++h) {
      const Code* row = first + d * window.steps[0] + h * window.steps[1];
      for (std::ptrdiff_t w = 0; w < window.counts[2]; ++w) body(row + w * window.steps[2]);
    }
  }
}

// --- one channel

template <class Code>
[[gnu::always_inline]] inline void largest_channel(const PixelWindow& window, const Code* first, Code* target) {
  auto best = static_cast<Code>(lowest_code<Code>);
  for_each_tap(window, first, [&](const Code* tap) { best = best < *tap ? *tap : best; });
  *target = best;
}

template <class Code>
[[gnu::always_inline]] inline void average_channel(const PixelWindow& window, const AverageOfCodes& with, const Code* first, Code* target) {
  constexpr auto low = static_cast<float>(lowest_code<Code>);
  constexpr auto high = static_cast<float>(lowest_code<Code> + 255);
  float sum = 0;
  for_each_tap(window, first, [&](const Code* tap) { sum += with.x_scale * static_cast<float>(std::int32_t{*tap} - with.x_zero); });
  const float value = sum / with.divisor / with.y_scale + static_cast<float>(with.y_zero);
  const float above = value > low ? value : low;
  const float clamped = above < high ? above : high;
  *target = static_cast<Code>(__builtin_bit_cast(std::int32_t, clamped + rounder) - rounder_bits);
}

template <class Code>
[[gnu::always_inline]] inline void sum_channel(const Code* first, std::size_t pixels, std::size_t channels, std::int32_t* sum) {
  std::int32_t all = 0;
  for (std::size_t pixel = 0; pixel < pixels; ++pixel) all += first[pixel * channels];
  *sum = all;
}

// --- blocks of channels

#if defined(__AVX2__)

template <class Code>
[[gnu::always_inline]] inline __m256i larger(__m256i a, __m256i b) {
  return signed_codes<Code> ? _mm256_max_epi8(a, b) : _mm256_max_epu8(a, b);
}

// Registers of 32 channels.
template <int Registers, class Code>
[[gnu::always_inline]] inline void largest_block(const PixelWindow& window, const Code* first, Code* target) {
  __m256i best[Registers];
#pragma GCC unroll 4
  for (int r = 0; r < Registers; ++r) best[r] = _mm256_set1_epi8(static_cast<char>(lowest_code<Code>));
  for_each_tap(window, first, [&](const Code* tap) {
#pragma GCC unroll 4
    for (int r = 0; r < Registers; ++r) {
      best[r] = larger<Code>(best[r], _mm256_loadu_si256(reinterpret_cast<const __m256i*>(tap + 32 * r)));
    }
  });
#pragma GCC unroll 4
  for (int r = 0; r < Registers; ++r) _mm256_storeu_si256(reinterpret_cast<__m256i*>(target + 32 * r), best[r]);
}

template <class Code>
[[gnu::always_inline]] inline void largest_sixteen(const PixelWindow& window, const Code* first, Code* target) {
  __m128i best = _mm_set1_epi8(static_cast<char>(lowest_code<Code>));
  for_each_tap(window, first, [&](const Code* tap) {
    const __m128i codes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(tap));
    best = signed_codes<Code> ? _mm_max_epi8(best, codes) : _mm_max_epu8(best, codes);
  });
  _mm_storeu_si128(reinterpret_cast<__m128i*>(target), best);
}

template <class Code>
[[gnu::always_inline]] inline void average_sixteen(const PixelWindow& window, const AverageOfCodes& with, const Code* first, Code* target) {
  const __m256 scale = _mm256_set1_ps(with.x_scale);
  const __m256i zero = _mm256_set1_epi32(with.x_zero);
  __m256 sums[2] = {_mm256_setzero_ps(), _mm256_setzero_ps()};
  for_each_tap(window, first, [&](const Code* tap) {
#pragma GCC unroll 2
    for (int r = 0; r < 2; ++r) {
      sums[r] = _mm256_add_ps(sums[r], _mm256_mul_ps(scale, _mm256_cvtepi32_ps(_mm256_sub_epi32(eight_codes(tap + 8 * r), zero))));
    }
  });
  for (__m256& sum : sums) {
    const __m256 average = _mm256_div_ps(sum, _mm256_set1_ps(with.divisor));
    sum = _mm256_add_ps(_mm256_div_ps(average, _mm256_set1_ps(with.y_scale)), _mm256_set1_ps(static_cast<float>(with.y_zero)));
  }
  const __m128i codes = narrowed<Code>(rounded(sums[0]), rounded(sums[1]), _mm256_setzero_si256());
  _mm_storeu_si128(reinterpret_cast<__m128i*>(target), codes);
}

// Sums of up to 256 codes fit into 16 bits, with a sign or without one as the codes have it. Registers of 16 channels.
template <int Registers, class Code>
[[gnu::always_inline]] inline void sum_block(const Code* first, std::size_t pixels, std::size_t channels, std::int32_t* sums) {
  for (int c = 0; c < 16 * Registers; ++c) sums[c] = 0;
  for (std::size_t done = 0; done < pixels;) {
    const std::size_t end = pixels - done < 256 ? pixels : done + 256;
    __m256i partial[Registers];
#pragma GCC unroll 4
    for (int r = 0; r < Registers; ++r) partial[r] = _mm256_setzero_si256();
    for (; done < end; ++done) {
#pragma GCC unroll 4
      for (int r = 0; r < Registers; ++r) partial[r] = _mm256_add_epi16(partial[r], sixteen_codes(first + done * channels + 16 * r));
    }
#pragma GCC unroll 4
    for (int r = 0; r < Registers; ++r) {
#pragma GCC unroll 2
      for (int half = 0; half < 2; ++half) {
        const __m128i narrow = half == 0 ? _mm256_castsi256_si128(partial[r]) : _mm256_extracti128_si256(partial[r], 1);
        auto* place = reinterpret_cast<__m256i*>(sums + 16 * r + 8 * half);
        const __m256i wide = signed_codes<Code> ? _mm256_cvtepi16_epi32(narrow) : _mm256_cvtepu16_epi32(narrow);
        _mm256_storeu_si256(place, _mm256_add_epi32(_mm256_loadu_si256(place), wide));
      }
    }
  }
}

#endif

// --- all channels: whole blocks, then the rest one by one

template <class Code>
void largest_pixel(const PixelWindow& window, const Code* first, Code* target, std::size_t channels) noexcept {
  const PixelWindow with = window;
  std::size_t done = 0;
#if defined(__AVX2__)
  for (; done + 128 <= channels; done += 128) largest_block<4>(with, first + done, target + done);
  for (; done + 64 <= channels; done += 64) largest_block<2>(with, first + done, target + done);
  for (; done + 32 <= channels; done += 32) largest_block<1>(with, first + done, target + done);
  for (; done + 16 <= channels; done += 16) largest_sixteen(with, first + done, target + done);
#endif
  for (; done < channels; ++done) largest_channel(with, first + done, target + done);
}

template <class Code>
void average_pixel(const PixelWindow& window, const AverageOfCodes& average, const Code* first, Code* target,
                   std::size_t channels) noexcept {
  const PixelWindow with = window;
  const AverageOfCodes of = average;
  std::size_t done = 0;
#if defined(__AVX2__)
  for (; done + 16 <= channels; done += 16) average_sixteen(with, of, first + done, target + done);
#endif
  for (; done < channels; ++done) average_channel(with, of, first + done, target + done);
}

template <class Code>
void sum_pixels(const Code* first, std::size_t pixels, std::size_t channels, std::int32_t* sums) noexcept {
  std::size_t done = 0;
#if defined(__AVX2__)
  for (; done + 64 <= channels; done += 64) sum_block<4>(first + done, pixels, channels, sums + done);
  for (; done + 16 <= channels; done += 16) sum_block<1>(first + done, pixels, channels, sums + done);
#endif
  for (; done < channels; ++done) sum_channel(first + done, pixels, channels, sums + done);
}

template <class Code>
constexpr PixelKernels<Code> pixel_kernels_here = {largest_pixel<Code>, average_pixel<Code>, sum_pixels<Code>};

constexpr PoolingInt8Kernels pooling_int8_kernels_here = {pixel_kernels_here<std::uint8_t>, pixel_kernels_here<std::int8_t>};

}  // namespace
}  // namespace titrate::kernels
