// Depthwise convolution of one block of channels (layout.hpp): some rows of outputs a call.
#pragma once

#include <cstddef>

#include "engine/base/cpu.hpp"

namespace titrate::kernels {

/// A filter for each channel over rows and columns, in this order. Tap [i][j] of output [h][w] is the pixel
/// [h * stride[0] + i * dilation[0] - pad[0]][w * ... + j * ...]; zeros outside of the image are taps like others.
struct BlockedDepthwise {
  const float* image;  ///< [rows, columns, lanes]
  std::size_t rows;
  std::size_t columns;
  const float* zeros;   ///< [columns, lanes]
  const float* filter;  ///< [1 + kernel[0] * kernel[1], lanes]: what the sum starts with, then the taps
  std::size_t kernel[2];
  std::size_t stride[2];
  std::size_t dilation[2];
  std::ptrdiff_t pad[2];  ///< in front
  std::size_t first_row;  ///< of the outputs
  std::size_t last_row;   ///< behind the last one
  std::size_t output_columns;
  const float* addend;  ///< as the outputs, or null
  const float* bounds;  ///< two: what is stored is min(max(sum + addend, bounds[0]), bounds[1]), NaN stays NaN; or null
  float* outputs;       ///< [every output row, output_columns, lanes]; may be the addend
};

/// outputs = start + sum over taps of weight * pixel, row of taps by row of taps in one accumulator: the bits of DepthwiseRun
/// (depthwise.hpp).
using BlockedDepthwiseRun = void (*)(const BlockedDepthwise& work) noexcept;

/// Null where the build has no such instruction set.
extern const BlockedDepthwiseRun blocked_depthwise_scalar;
extern const BlockedDepthwiseRun blocked_depthwise_avx2;
extern const BlockedDepthwiseRun blocked_depthwise_avx512;

[[nodiscard]] BlockedDepthwiseRun blocked_depthwise_kernel(Isa isa);

}  // namespace titrate::kernels
