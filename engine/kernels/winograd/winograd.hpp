// Winograd's minimal filtering F(2x2, 3x3): four outputs of a 3x3 filter from 16 products instead of 36, each of another sum of the image
// and another of the filter, its points (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2015). A tile is 2x2 outputs
// and the 4x4 pixels that they need.
#pragma once

#include <cstddef>

#include "engine/base/cpu.hpp"

namespace titrate::kernels {

inline constexpr std::size_t winograd_points = 16;

/// A channel of an image with its zeros around. A row is `part` even columns, then `part` odd ones: what a tile's column reads for
/// neighbouring tiles are neighbours.
struct WinogradPadding {
  const float* channel;  ///< [rows, columns]
  std::size_t rows;
  std::size_t columns;
  std::size_t pad_top;
  std::size_t pad_left;
  float* padded;  ///< [padded_rows, 2 * part]
  std::size_t padded_rows;
  std::size_t part;
};

/// The points of neighbouring tiles of one row of tiles, of one channel. Whole registers are read and written: up to 16 floats behind.
struct WinogradInput {
  const float* padded;  ///< the first tile's first pixel
  std::size_t part;
  std::size_t tiles;
  float* points;  ///< point p of tile t to points[p * plane + t]
  std::size_t plane;
};

/// Outputs of neighbouring tiles of one row of tiles, of one filter, from the sums of their points over the channels.
struct WinogradOutput {
  const float* sums;  ///< point p of tile t at sums[p * plane + t]; up to 16 floats are read behind
  std::size_t plane;
  std::size_t tiles;
  float start;          ///< is added to each output
  float* outputs;       ///< the first tile's first output
  std::size_t pitch;    ///< from row to row of the outputs
  std::size_t columns;  ///< that are outputs, of 2 * tiles
  std::size_t rows;     ///< 1 or 2
  const float* addend;  ///< like the outputs, or null
  const float* bounds;  ///< two: what is stored is min(max(sum, bounds[0]), bounds[1]), NaN stays NaN; or null
};

struct WinogradKernels {
  void (*pad)(const WinogradPadding&) noexcept;
  void (*input)(const WinogradInput&) noexcept;
  void (*output)(const WinogradOutput&) noexcept;
};

/// Null where the build has no such instruction set.
extern const WinogradKernels* const winograd_scalar;
extern const WinogradKernels* const winograd_avx2;
extern const WinogradKernels* const winograd_avx512;

[[nodiscard]] const WinogradKernels& winograd_kernels(Isa isa);

/// The points of a 3x3 filter, computed in double and rounded once.
void winograd_filter(const float* taps, float* points);

}  // namespace titrate::kernels
