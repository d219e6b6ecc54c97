// Pooling of 8-bit codes in images whose channels lie next to each other: one output pixel from a window of input pixels, all channels at
// once. Every variant gives the same codes.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/base/cpu.hpp"

namespace titrate::kernels {

/// The taps of a window that lie inside the image, along three axes: how many, and how many elements from one to the next.
struct PixelWindow {
  std::ptrdiff_t counts[3];
  std::ptrdiff_t steps[3];
};

/// number = x_scale * (code - x_zero), and back: code = saturate(round_half_to_even(number / y_scale + y_zero)).
struct AverageOfCodes {
  float x_scale;
  std::int32_t x_zero;
  float divisor;  ///< of the sum of the numbers
  float y_scale;
  std::int32_t y_zero;
};

template <class Code>
struct PixelKernels {
  /// The largest code of each channel; the lowest code there is if the window has no taps. `first` is the window's first tap.
  void (*largest)(const PixelWindow&, const Code* first, Code* target, std::size_t channels) noexcept;
  /// The average of each channel, in float32 and in the order of the taps, each step rounded, as ONNX Runtime's QLinearAveragePool.
  void (*average)(const PixelWindow&, const AverageOfCodes&, const Code* first, Code* target, std::size_t channels) noexcept;
  /// sums[c] = the sum of channel c over `pixels` pixels that lie `channels` elements apart; pixels < 2^23.
  void (*sum)(const Code* first, std::size_t pixels, std::size_t channels, std::int32_t* sums) noexcept;
};

struct PoolingInt8Kernels {
  PixelKernels<std::uint8_t> u8;
  PixelKernels<std::int8_t> s8;

  template <class Code>
  [[nodiscard]] const PixelKernels<Code>& of() const {
    if constexpr (static_cast<Code>(-1) < 0) {
      return s8;
    } else {
      return u8;
    }
  }
};

/// Null where the build has no such instruction set.
extern const PoolingInt8Kernels* const pooling_int8_scalar;
extern const PoolingInt8Kernels* const pooling_int8_avx2;
extern const PoolingInt8Kernels* const pooling_int8_avx512;

[[nodiscard]] const PoolingInt8Kernels& pooling_int8_kernels(Isa isa);

}  // namespace titrate::kernels
