// The transforms of F(2x2, 3x3) (engine/kernels/winograd/winograd.hpp) for images in blocks of channels: a register is a pixel, so each is
// a few additions without any shuffle. The same additions in the same order as on planes: equal bits.
#pragma once

#include <cstddef>

#include "engine/base/cpu.hpp"

namespace titrate::kernels {

/// The points of neighbouring tiles of one row of tiles, of one block of channels. Strides are floats.
struct BlockedWinogradInput {
  const float* image;  ///< the first tile's first pixel, zeros around the image included
  std::size_t row_stride;
  std::size_t tiles;
  float* points;  ///< point p of tile t to points[p * plane + t * lanes]
  std::size_t plane;
};

/// Outputs of neighbouring tiles of one row of tiles, of one block of filters, from the sums of their points over the channels.
struct BlockedWinogradOutput {
  const float* sums;  ///< point p of tile t at sums[p * plane + t * lanes]
  std::size_t plane;
  std::size_t tiles;
  const float* start;  ///< `lanes` numbers, added to the outputs
  float* outputs;      ///< the first tile's first output
  std::size_t row_stride;
  std::size_t columns;  ///< outputs of a row, at most 2 * tiles
  std::size_t rows;     ///< 1 or 2
  const float* addend;  ///< like outputs, or null
  const float* bounds;  ///< two: what is stored is min(max(sum, bounds[0]), bounds[1]), NaN stays NaN; or null
};

struct BlockedWinogradKernels {
  void (*input)(const BlockedWinogradInput&) noexcept;
  void (*output)(const BlockedWinogradOutput&) noexcept;
};

/// Null where the build has no such instruction set.
extern const BlockedWinogradKernels* const blocked_winograd_scalar;
extern const BlockedWinogradKernels* const blocked_winograd_avx2;
extern const BlockedWinogradKernels* const blocked_winograd_avx512;

[[nodiscard]] const BlockedWinogradKernels& blocked_winograd_kernels(Isa isa);

}  // namespace titrate::kernels
