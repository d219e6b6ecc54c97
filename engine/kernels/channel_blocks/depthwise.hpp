// Depthwise convolution of one block of channels (layout.hpp): some rows of outputs a call.
#pragma once

#include <cstddef>

#include "engine/base/cpu.hpp"
#include "engine/kernels/channel_blocks/inner_columns.hpp"

namespace titrate::kernels {

/// A filter for each channel over rows and columns, in this order. Tap [i][j] of output [h][w] is the pixel
/// [h * stride[0] + i * dilation[0] - pad[0]][w * ... + j * ...]; zeros outside of the image are taps like others.
struct BlockedDepthwise {
  const float* image;  ///< [rows, columns, lanes]
  std::size_t rows;
  std::size_t columns;
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
  const float* zeros;   ///< DepthwiseStrips::widest pixels of them
  float* strips;        ///< DepthwiseStrips::size pixels of any kind

  [[nodiscard, gnu::always_inline]] std::size_t reach(std::size_t axis) const { return (kernel[axis] - 1) * dilation[axis] + 1; }
};

/// Where a row of outputs finds its pixels: the inner ones in the image, those at both edges in strips, which are copies of the columns
/// that they reach with zeros beside them. Where these would be half of the image, all outputs read one strip.
struct DepthwiseStrips {
  InnerColumns inner;
  bool whole;        ///< one strip for all
  std::size_t left;  ///< its columns, and those of the right one
  std::size_t right;
  std::size_t first_row;  ///< of the image that the call reads, and behind the last one
  std::size_t last_row;
  std::size_t widest;
  std::size_t size;

  [[gnu::always_inline]] explicit DepthwiseStrips(const BlockedDepthwise& work)
      : inner(work.columns, work.reach(1), work.stride[1], work.pad[1], work.output_columns) {
    const std::size_t stride = work.stride[1];
    const auto columns_of = [&](std::size_t outputs) __attribute__((always_inline)) {
      return outputs == 0 ? 0 : (outputs - 1) * stride + work.reach(1);
    };
    const std::size_t all = columns_of(work.output_columns);
    left = columns_of(inner.first);
    right = columns_of(work.output_columns - inner.last);
    whole = (left + right) * 2 > all;
    if (whole) {
      left = all;
      right = 0;
    }
    const std::ptrdiff_t top = static_cast<std::ptrdiff_t>(work.first_row * work.stride[0]) - work.pad[0];
    const std::ptrdiff_t bottom = static_cast<std::ptrdiff_t>((work.last_row - 1) * work.stride[0] + work.reach(0)) - work.pad[0];
    const auto inside = [&](std::ptrdiff_t row) __attribute__((always_inline)) {
      return row < 0 ? 0 : static_cast<std::size_t>(row) < work.rows ? static_cast<std::size_t>(row) : work.rows;
    };
    first_row = inside(top);
    last_row = inside(bottom);
    widest = work.columns > all ? work.columns : all;
    size = (last_row - first_row) * (left + right);
  }
};

/// outputs = start + sum over taps of weight * pixel, row of taps by row of taps in one accumulator: the bits of DepthwiseRun
/// (depthwise/depthwise.hpp).
using BlockedDepthwiseRun = void (*)(const BlockedDepthwise& work) noexcept;

/// Null where the build has no such instruction set.
extern const BlockedDepthwiseRun blocked_depthwise_scalar;
extern const BlockedDepthwiseRun blocked_depthwise_avx2;
extern const BlockedDepthwiseRun blocked_depthwise_avx512;

[[nodiscard]] BlockedDepthwiseRun blocked_depthwise_kernel(Isa isa);

}  // namespace titrate::kernels
