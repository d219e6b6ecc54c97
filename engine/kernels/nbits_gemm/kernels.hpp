// The table of one instruction set. For the files of an instruction set only.
#pragma once

#include "engine/kernels/nbits_gemm/float_panel.hpp"
#include "engine/kernels/nbits_gemm/integer_tile.hpp"

namespace titrate::kernels {
namespace {

constexpr int least(int a, int b) { return a < b ? a : b; }

// `sums`: the registers that a tile of integers may fill.
template <int W, int sums, int R>
constexpr void fill_integers(NBitsKernels& kernels) {
  constexpr int registers = least(static_cast<int>(nbits_panel_columns) / W, sums / R);
  constexpr int V = registers >= 8 ? 8 : registers >= 4 ? 4 : registers >= 2 ? 2 : 1;  // it divides the panel
  kernels.integers[nbits_index(4)][R] = nbits_integers<W, V, R, 4>;
  kernels.integers[nbits_index(8)][R] = nbits_integers<W, V, R, 8>;
  if constexpr (R > 1) fill_integers<W, sums, R - 1>(kernels);
}

// W lanes; V registers of sums for a row of floats; U registers are the width of the instruction set's tile in sgemm.hpp; R rows of
// integers.
template <int W, int V, int U, int sums, int R>
constexpr NBitsKernels nbits_kernels_of() {
  NBitsKernels kernels{{nbits_row<W, V, 2>, nbits_row<W, V, 4>, nbits_row<W, V, 8>},
                       {nbits_unpack<W, U, 2>, nbits_unpack<W, U, 4>, nbits_unpack<W, U, 8>},
                       W * U,
                       nbits_quantize<W>,
                       R,
                       {}};
  fill_integers<W, sums, R>(kernels);
  return kernels;
}

}  // namespace
}  // namespace titrate::kernels
