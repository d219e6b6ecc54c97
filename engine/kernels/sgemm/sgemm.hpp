// The float32 matrix microkernel: one tile of C held in registers while the whole depth runs by.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/base/cpu.hpp"

namespace titrate::kernels {

/// What one call of a tile works on. R and N are the tile's rows and columns, fixed by the function that is called.
struct SgemmTile {
  std::size_t depth;                    ///< K
  const float* a;                       ///< packed: R floats for each k, K * R in all
  const float* b;                       ///< row k has N floats at b + (offsets ? offsets[k] : k * N)
  const std::int32_t* offsets;          ///< for indirect tiles only
  float* c;                             ///< R rows of N floats
  std::size_t c_stride;                 ///< from row to row
  const float* start;                   ///< R start values, one a row; null: see column_start
  bool accumulate;                      ///< begin with what c holds; needs start == null
  const float* addend = nullptr;        ///< R rows of N floats, c_stride apart, added to the finished sums; or null
  const float* bounds = nullptr;        ///< two: what is stored is min(max(sum, bounds[0]), bounds[1]), NaN stays NaN; or null
  const float* column_start = nullptr;  ///< without start and accumulate: N start values, one a column; null: 0
  const float* ahead = nullptr;  ///< tiles ask for ahead_step floats from here on for each k, some k ahead: what is read next; or null
  std::size_t ahead_step = 0;
  std::size_t panel_stride = 0;  ///< for `several`: from panel to panel of b; their columns of c are neighbours
};

/// c[i][j] = start + sum over k of a[k][i] * b[k][j], summed in the order of k one product after the other: so the result depends neither
/// on the tile's shape nor on how the depth is cut into calls. With FMA on avx2 and avx512 (equal bits on both), without on scalar.
using SgemmRun = void (*)(const SgemmTile&) noexcept;

inline constexpr int sgemm_most_rows = 14;

/// `count` neighbours of a row of the image that become neighbours of a row of the panel.
struct GatherRun {
  std::int32_t source;  ///< from the row's begin on
  std::int32_t target;  ///< ascending from run to run
  std::int32_t count;
};

/// A panel of the im2col matrix, [depth, width]: row k comes from image + offsets[k].
struct SgemmGather {
  const float* image;
  const std::int32_t* offsets;
  std::size_t depth;
  const GatherRun* runs;
  std::size_t run_count;
  float* panel;
  std::size_t width;
};

/// Several panels of N columns that lie side by side in the image, [depth, N] each: row k of panel p comes from
/// image + offsets[k] + p * N.
struct SgemmPanels {
  const float* image;
  const std::int32_t* offsets;
  std::size_t depth;
  std::size_t count;
  float* panels;
  std::size_t panel_stride;  ///< floats
};

/// Copies whole registers, as many as the width takes: reads and writes up to 32 floats behind each run, and behind the panel.
using SgemmGatherRun = void (*)(const SgemmGather&) noexcept;
/// Reads and writes what it says, nothing behind.
using SgemmPanelsRun = void (*)(const SgemmPanels&) noexcept;

inline constexpr int sgemm_most_low_rows = 3;

struct SgemmKernels {
  int rows;                                ///< the tallest tile; 1..rows exist
  int columns;                             ///< N, the same for all
  SgemmRun packed[sgemm_most_rows + 1];    ///< [R]: b is packed
  SgemmRun indirect[sgemm_most_rows + 1];  ///< [R]: b through offsets
  SgemmGatherRun gather;
  SgemmPanelsRun gather_panels;
  int panels[sgemm_most_low_rows + 1];        ///< [R]: of columns that `several` runs at once
  SgemmRun several[sgemm_most_low_rows + 1];  ///< [R]: a low tile as wide as several packed panels
};

/// Null where the build has no such instruction set.
extern const SgemmKernels* const sgemm_scalar;
extern const SgemmKernels* const sgemm_avx2;
extern const SgemmKernels* const sgemm_avx512;

/// The kernels for a level; the next lower ones where the build lacks it.
[[nodiscard]] const SgemmKernels& sgemm_kernels(Isa isa);

}  // namespace titrate::kernels
