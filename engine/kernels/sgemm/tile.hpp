// The tile as a template; see sgemm.hpp for what it computes. For the files of an instruction set only.
#pragma once

#include "engine/kernels/lanes.hpp"
#include "engine/kernels/sgemm/sgemm.hpp"

namespace titrate::kernels {
namespace {

// W lanes a register, V registers a row, R rows: R * V accumulators, V registers of b and one broadcast of a must fit the register file.
template <int W, int V, int R, bool indirect>
void sgemm_tile(const SgemmTile& tile) noexcept {
  FloatLanes<W> sums[R][V];
#pragma GCC unroll 16
  for (int row = 0; row < R; ++row) {
#pragma GCC unroll 4
    for (int part = 0; part < V; ++part) {
      sums[row][part] = tile.accumulate ? load<W>(tile.c + static_cast<std::size_t>(row) * tile.c_stride + part * W)
                                        : broadcast<W>(tile.start != nullptr ? tile.start[row] : 0.0F);
    }
  }
  const float* a = tile.a;
  const float* b = tile.b;
  const std::int32_t* offsets = tile.offsets;
  for (std::size_t k = 0; k < tile.depth; ++k) {
    const float* b_row = indirect ? b + offsets[k] : b;
    FloatLanes<W> columns[V];
#pragma GCC unroll 4
    for (int part = 0; part < V; ++part) columns[part] = load<W>(b_row + part * W);
#pragma GCC unroll 16
    for (int row = 0; row < R; ++row) {
      const FloatLanes<W> factor = broadcast<W>(a[row]);
#pragma GCC unroll 4
      for (int part = 0; part < V; ++part) sums[row][part] = multiply_add<W>(factor, columns[part], sums[row][part]);
    }
    a += R;
    if constexpr (!indirect) b += W * V;
  }
#pragma GCC unroll 16
  for (int row = 0; row < R; ++row) {
#pragma GCC unroll 4
    for (int part = 0; part < V; ++part) {
      store<W>(tile.c + static_cast<std::size_t>(row) * tile.c_stride + part * W, sums[row][part]);
    }
  }
}

template <int W, int V, int R>
constexpr void fill_rows(SgemmKernels& kernels) {
  kernels.packed[R] = sgemm_tile<W, V, R, false>;
  kernels.indirect[R] = sgemm_tile<W, V, R, true>;
  if constexpr (R > 1) fill_rows<W, V, R - 1>(kernels);
}

template <int W, int V, int R>
constexpr SgemmKernels sgemm_kernels_of() {
  SgemmKernels kernels{R, W * V, {}, {}};
  fill_rows<W, V, R>(kernels);
  return kernels;
}

}  // namespace
}  // namespace titrate::kernels
