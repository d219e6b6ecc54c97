// The kernels as plain loops over a block of channels that the compiler turns into vectors of the file's instruction set; see
// pooling_int8.hpp for what they compute. For the files of an instruction set only: internal linkage throughout.
#pragma once

#include "engine/kernels/pooling_int8/pooling_int8.hpp"

namespace titrate::kernels {
namespace {

template <class Code>
inline constexpr std::int32_t lowest_code = static_cast<Code>(-1) < 0 ? -128 : 0;

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

template <int Block, class Code>
[[gnu::always_inline]] inline void largest_block(const PixelWindow& window, const Code* first, Code* target) {
  Code best[Block];
  for (int c = 0; c < Block; ++c) best[c] = static_cast<Code>(lowest_code<Code>);
  for_each_tap(window, first, [&](const Code* tap) {
    for (int c = 0; c < Block; ++c) best[c] = best[c] < tap[c] ? tap[c] : best[c];
  });
  for (int c = 0; c < Block; ++c) target[c] = best[c];
}

template <int Block, class Code>
[[gnu::always_inline]] inline void average_block(const PixelWindow& window, const AverageOfCodes& with, const Code* first, Code* target) {
  constexpr auto low = static_cast<float>(lowest_code<Code>);
  constexpr auto high = static_cast<float>(lowest_code<Code> + 255);
  const auto y_zero = static_cast<float>(with.y_zero);
  float sums[Block];
  for (int c = 0; c < Block; ++c) sums[c] = 0;
  for_each_tap(window, first, [&](const Code* tap) {
    for (int c = 0; c < Block; ++c) sums[c] += with.x_scale * static_cast<float>(std::int32_t{tap[c]} - with.x_zero);
  });
  for (int c = 0; c < Block; ++c) {
    const float value = sums[c] / with.divisor / with.y_scale + y_zero;
    const float above = value > low ? value : low;
    const float clamped = above < high ? above : high;
    target[c] = static_cast<Code>(__builtin_bit_cast(std::int32_t, clamped + 12582912.0F) - 0x4b400000);  // rounds half to even
  }
}

// Whole blocks of channels by Block, then the rest one by one.
template <class Code>
void largest_pixel(const PixelWindow& window, const Code* first, Code* target, std::size_t channels) noexcept {
  std::size_t done = 0;
  for (; done + 64 <= channels; done += 64) largest_block<64>(window, first + done, target + done);
  for (; done + 16 <= channels; done += 16) largest_block<16>(window, first + done, target + done);
  for (; done < channels; ++done) largest_block<1>(window, first + done, target + done);
}

template <class Code>
void average_pixel(const PixelWindow& window, const AverageOfCodes& with, const Code* first, Code* target, std::size_t channels) noexcept {
  std::size_t done = 0;
  for (; done + 32 <= channels; done += 32) average_block<32>(window, with, first + done, target + done);
  for (; done + 8 <= channels; done += 8) average_block<8>(window, with, first + done, target + done);
  for (; done < channels; ++done) average_block<1>(window, with, first + done, target + done);
}

template <class Code>
void sum_pixels(const Code* first, std::size_t pixels, std::size_t channels, std::int32_t* sums) noexcept {
  for (std::size_t c = 0; c < channels; ++c) sums[c] = 0;
  for (std::size_t pixel = 0; pixel < pixels; ++pixel) {
    for (std::size_t c = 0; c < channels; ++c) sums[c] += first[pixel * channels + c];
  }
}

template <class Code>
constexpr PixelKernels<Code> pixel_kernels_here = {largest_pixel<Code>, average_pixel<Code>, sum_pixels<Code>};

constexpr PoolingInt8Kernels pooling_int8_kernels_here = {pixel_kernels_here<std::uint8_t>, pixel_kernels_here<std::int8_t>};

}  // namespace
}  // namespace titrate::kernels
