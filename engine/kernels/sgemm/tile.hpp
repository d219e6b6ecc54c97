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
#pragma GCC unroll 4
  for (std::size_t k = 0; k < tile.depth; ++k) {
    const float* b_row = indirect ? b + offsets[k] : b;
    FloatLanes<W> columns[V];
#pragma GCC unroll 4
    for (int part = 0; part < V; ++part) columns[part] = load<W>(b_row + part * W);
#pragma GCC unroll 16
    for (int row = 0; row < R; ++row) {
      const FloatLanes<W> factor = broadcast_from<W>(a + row);
#pragma GCC unroll 4
      for (int part = 0; part < V; ++part) sums[row][part] = multiply_add<W>(factor, columns[part], sums[row][part]);
    }
    a += R;
    if constexpr (!indirect) b += W * V;
  }
  if (tile.addend != nullptr) {
#pragma GCC unroll 16
    for (int row = 0; row < R; ++row) {
#pragma GCC unroll 4
      for (int part = 0; part < V; ++part)
        sums[row][part] += load<W>(tile.addend + static_cast<std::size_t>(row) * tile.c_stride + part * W);
    }
  }
  if (tile.bounds != nullptr) {
    const FloatLanes<W> low = broadcast<W>(tile.bounds[0]);
    const FloatLanes<W> high = broadcast<W>(tile.bounds[1]);
#pragma GCC unroll 16
    for (int row = 0; row < R; ++row) {
#pragma GCC unroll 4
      for (int part = 0; part < V; ++part) {
        const FloatLanes<W> above = sums[row][part] < low ? low : sums[row][part];
        sums[row][part] = above > high ? high : above;
      }
    }
  }
#pragma GCC unroll 16
  for (int row = 0; row < R; ++row) {
#pragma GCC unroll 4
    for (int part = 0; part < V; ++part) {
      store<W>(tile.c + static_cast<std::size_t>(row) * tile.c_stride + part * W, sums[row][part]);
    }
  }
}

// P registers at once for each run, whatever its length: what is too much is overwritten by the next run or row.
template <int W, int P>
[[gnu::always_inline]] inline void copy_run(const float* source, float* target) {
#pragma GCC unroll 4
  for (int part = 0; part < P; ++part) store<W>(target + part * W, load<W>(source + part * W));
}

template <int W, int P>
[[gnu::always_inline]] inline void gather_rows(const SgemmGather& gather) {
  const std::size_t width = gather.width;
  float* target = gather.panel;
  const GatherRun one = gather.runs[0];
  const float* image = gather.image + one.source;
  if (gather.run_count == 1) {
    for (std::size_t k = 0; k < gather.depth; ++k, target += width) copy_run<W, P>(image + gather.offsets[k], target);
    return;
  }
  const GatherRun two = gather.runs[1];
  const std::int32_t apart = two.source - one.source;
  if (gather.run_count == 2) {
    for (std::size_t k = 0; k < gather.depth; ++k, target += width) {
      const float* row = image + gather.offsets[k];
      copy_run<W, P>(row, target);
      copy_run<W, P>(row + apart, target + two.target);
    }
    return;
  }
  for (std::size_t k = 0; k < gather.depth; ++k, target += width) {
    const float* row = gather.image + gather.offsets[k];
    for (std::size_t index = 0; index < gather.run_count; ++index)
      copy_run<W, P>(row + gather.runs[index].source, target + gather.runs[index].target);
  }
}

template <int W, int V>
void gather_panel(const SgemmGather& gather) noexcept {
  if (gather.width <= W) {
    gather_rows<W, 1>(gather);
  } else {
    gather_rows<W, V>(gather);
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
  SgemmKernels kernels{R, W * V, {}, {}, gather_panel<W, V>};
  fill_rows<W, V, R>(kernels);
  return kernels;
}

}  // namespace
}  // namespace titrate::kernels
