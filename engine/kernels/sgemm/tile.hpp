// The tile as a template; see sgemm.hpp for what it computes. For the files of an instruction set only.
#pragma once

#include "engine/kernels/lanes.hpp"
#include "engine/kernels/sgemm/sgemm.hpp"

namespace titrate::kernels {
namespace {

// W lanes a register, V registers a row, R rows: R * V accumulators, V registers of b and one broadcast of a must fit the register file.
template <int W, int V, int R>
[[gnu::always_inline]] inline void start_sums(const SgemmTile& tile, FloatLanes<W> (&sums)[R][V]) {
  if (tile.accumulate) {
#pragma GCC unroll 16
    for (int row = 0; row < R; ++row) {
#pragma GCC unroll 8
      for (int part = 0; part < V; ++part) sums[row][part] = load<W>(tile.c + static_cast<std::size_t>(row) * tile.c_stride + part * W);
    }
    return;
  }
  // What is stored at the end comes into the cache meanwhile.
#pragma GCC unroll 16
  for (int row = 0; row < R; ++row) {
#pragma GCC unroll 8
    for (int line = 0; line < W * V; line += 16) {
      __builtin_prefetch(tile.c + static_cast<std::size_t>(row) * tile.c_stride + line, 1, 3);
    }
  }
  if (tile.start != nullptr) {
#pragma GCC unroll 16
    for (int row = 0; row < R; ++row) {
#pragma GCC unroll 8
      for (int part = 0; part < V; ++part) sums[row][part] = broadcast_from<W>(tile.start + row);
    }
  } else {
#pragma GCC unroll 8
    for (int part = 0; part < V; ++part) {
      const FloatLanes<W> first = tile.column_start != nullptr ? load<W>(tile.column_start + part * W) : FloatLanes<W>{};
#pragma GCC unroll 16
      for (int row = 0; row < R; ++row) sums[row][part] = first;
    }
  }
}

template <int W, int V, int R>
[[gnu::always_inline]] inline void finish_sums(const SgemmTile& tile, FloatLanes<W> (&sums)[R][V]) {
  if (tile.addend != nullptr) {
#pragma GCC unroll 16
    for (int row = 0; row < R; ++row) {
#pragma GCC unroll 8
      for (int part = 0; part < V; ++part)
        sums[row][part] += load<W>(tile.addend + static_cast<std::size_t>(row) * tile.c_stride + part * W);
    }
  }
  if (tile.bounds != nullptr) {
    const FloatLanes<W> low = broadcast<W>(tile.bounds[0]);
    const FloatLanes<W> high = broadcast<W>(tile.bounds[1]);
#pragma GCC unroll 16
    for (int row = 0; row < R; ++row) {
#pragma GCC unroll 8
      for (int part = 0; part < V; ++part) sums[row][part] = at_most<W>(at_least<W>(sums[row][part], low), high);
    }
  }
#pragma GCC unroll 16
  for (int row = 0; row < R; ++row) {
#pragma GCC unroll 8
    for (int part = 0; part < V; ++part) {
      store<W>(tile.c + static_cast<std::size_t>(row) * tile.c_stride + part * W, sums[row][part]);
    }
  }
}

// One product for each sum.
template <int W, int V, int R>
[[gnu::always_inline]] inline void add_products(const float* a, const float* b, FloatLanes<W> (&sums)[R][V]) {
  FloatLanes<W> columns[V];
#pragma GCC unroll 4
  for (int part = 0; part < V; ++part) columns[part] = load<W>(b + part * W);
#pragma GCC unroll 16
  for (int row = 0; row < R; ++row) {
    const FloatLanes<W> factor = broadcast_from<W>(a + row);
#pragma GCC unroll 4
    for (int part = 0; part < V; ++part) sums[row][part] = multiply_add<W>(factor, columns[part], sums[row][part]);
  }
}

template <int W, int V, int R, bool indirect>
void sgemm_tile(const SgemmTile& tile) noexcept {
  FloatLanes<W> sums[R][V];
  start_sums<W, V, R>(tile, sums);
  const float* a = tile.a;
  const float* b = tile.b;
  const std::int32_t* offsets = tile.offsets;
  const float* ahead = tile.ahead != nullptr ? tile.ahead : tile.a;
  // Weights that few rows read come from far away: an even stream of questions, one in each step. Others are asked for in turns of some
  // steps: each question is a load too, and of loads these steps have most. Shorter turns cost jumps.
  constexpr std::size_t most_in_turns = 4;
  constexpr std::size_t turn = 32;
  std::size_t k = 0;
  for (; tile.ahead_step <= most_in_turns && k < tile.depth; k += turn) {
    for (std::size_t line = 0; line < turn * tile.ahead_step; line += 16) __builtin_prefetch(ahead + line, 0, 3);
    ahead += turn * tile.ahead_step;
    const std::size_t steps = tile.depth - k < turn ? tile.depth - k : turn;
#pragma GCC unroll 8
    for (std::size_t step = 0; step < steps; ++step, a += R) {
      add_products<W, V, R>(a, indirect ? b + offsets[k + step] : b, sums);
      if constexpr (!indirect) b += W * V;
    }
  }
#pragma GCC unroll 4
  for (; k < tile.depth; ++k, a += R, ahead += tile.ahead_step) {
    __builtin_prefetch(ahead, 0, 3);
    add_products<W, V, R>(a, indirect ? b + offsets[k] : b, sums);
    if constexpr (!indirect) b += W * V;
  }
  finish_sums<W, V, R>(tile, sums);
}

// Few rows alone leave a tile waiting for its own sums: P panels of columns run at once.
template <int W, int V, int R, int P>
void sgemm_low_tile(const SgemmTile& tile) noexcept {
  FloatLanes<W> sums[R][V * P];
  start_sums<W, V * P, R>(tile, sums);
  const float* a = tile.a;
  const float* b[P];
#pragma GCC unroll 8
  for (int panel = 0; panel < P; ++panel) b[panel] = tile.b + static_cast<std::size_t>(panel) * tile.panel_stride;
#pragma GCC unroll 4
  for (std::size_t k = 0; k < tile.depth; ++k) {
    FloatLanes<W> factors[R];
#pragma GCC unroll 4
    for (int row = 0; row < R; ++row) factors[row] = broadcast_from<W>(a + row);
#pragma GCC unroll 8
    for (int panel = 0; panel < P; ++panel) {
      // These weights are read once, from far away: a page ahead, for the processor's own reading ahead ends at the page.
      __builtin_prefetch(b[panel] + 512, 0, 3);
#pragma GCC unroll 4
      for (int part = 0; part < V; ++part) {
        const FloatLanes<W> columns = load<W>(b[panel] + part * W);
#pragma GCC unroll 4
        for (int row = 0; row < R; ++row) {
          sums[row][panel * V + part] = multiply_add<W>(factors[row], columns, sums[row][panel * V + part]);
        }
      }
      b[panel] += W * V;
    }
    a += R;
  }
  finish_sums<W, V * P, R>(tile, sums);
}

// P registers at once for each run, at least as long as it: what is too much is overwritten by the next run or row.
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
  std::int32_t longest = 0;
  for (std::size_t index = 0; index < gather.run_count; ++index) {
    if (gather.runs[index].count > longest) longest = gather.runs[index].count;
  }
  if (longest <= W) {
    gather_rows<W, 1>(gather);
  } else {
    gather_rows<W, V>(gather);
  }
}

template <int W, int V>
void gather_side_by_side(const SgemmPanels& gather) noexcept {
  for (std::size_t k = 0; k < gather.depth; ++k) {
    const float* source = gather.image + gather.offsets[k];
    float* target = gather.panels + k * (W * V);
    for (std::size_t panel = 0; panel < gather.count; ++panel, source += W * V, target += gather.panel_stride) {
      copy_run<W, V>(source, target);
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
  // At least eight sums at work at once: the latency of a multiplication times its units.
  SgemmKernels kernels{.rows = R,
                       .columns = W * V,
                       .packed = {},
                       .indirect = {},
                       .gather = gather_panel<W, V>,
                       .gather_panels = gather_side_by_side<W, V>,
                       .panels = {0, 4, 2, 2},
                       .several = {nullptr, sgemm_low_tile<W, V, 1, 4>, sgemm_low_tile<W, V, 2, 2>, sgemm_low_tile<W, V, 3, 2>}};
  fill_rows<W, V, R>(kernels);
  return kernels;
}

}  // namespace
}  // namespace titrate::kernels
