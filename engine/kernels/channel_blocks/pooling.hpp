// MaxPool, AveragePool and GlobalAveragePool of one block of channels (layout.hpp): one plane of pixels a call.
#pragma once

#include <cstddef>

#include "engine/base/cpu.hpp"

namespace titrate::kernels {

/// A window over rows and columns, in this order. Output [h][w] has the taps [h * stride[0] + i * dilation[0] - pad[0]][w * ... + j * ...].
struct BlockedPool {
  const float* image;  ///< [rows, columns, lanes]
  std::size_t rows;
  std::size_t columns;
  std::size_t kernel[2];
  std::size_t stride[2];
  std::size_t dilation[2];
  std::ptrdiff_t pad[2];      ///< in front
  std::ptrdiff_t pad_end[2];  ///< behind: only count_padding asks, what a window reaches behind it (ceil_mode) never counts
  std::size_t output_rows;
  std::size_t output_columns;
  bool count_padding;  ///< of an average: the padding's taps count
  float* outputs;      ///< [output_rows, output_columns, lanes], not over the image
};

/// The bits of the operators on planes: taps are combined down the rows first, then along the columns.
struct BlockedPoolKernels {
  /// The largest number of the window that is inside the image, the first among equals (zeros of both signs); minus infinity without one.
  /// NaN is passed over.
  void (*largest)(const BlockedPool& pool) noexcept;
  /// The sum of the window divided by the number of its taps in the image (0 without one), or in image and padding.
  void (*average)(const BlockedPool& pool) noexcept;
  /// output[lanes]: the mean of all pixels, summed in double in eight parts (pixel i in part i mod 8) that are added in order.
  void (*global_average)(const float* image, std::size_t pixels, float* output) noexcept;
};

/// Null where the build has no such instruction set.
extern const BlockedPoolKernels* const blocked_pool_scalar;
extern const BlockedPoolKernels* const blocked_pool_avx2;
extern const BlockedPoolKernels* const blocked_pool_avx512;

[[nodiscard]] const BlockedPoolKernels& blocked_pool_kernels(Isa isa);

}  // namespace titrate::kernels
