// The transforms as templates; see winograd.hpp for what they compute. For the files of an instruction set only.
#pragma once

#include "engine/kernels/channel_blocks/winograd/winograd.hpp"
#include "engine/kernels/lanes.hpp"
#include "engine/kernels/winograd/input_points.hpp"

namespace titrate::kernels {
namespace {

// A point along the rows of all four columns at a time, then across: eight registers are at work, no more.
template <int W>
void blocked_winograd_input(const BlockedWinogradInput& input) noexcept {
  using Register = FloatLanes<W>;
  constexpr int minuend[4] = {0, 1, 2, 1};
  constexpr int other[4] = {2, 2, 1, 3};
  const float* image = input.image;
  float* target = input.points;
  for (std::size_t tile = 0; tile < input.tiles; ++tile, image += 2 * W, target += W) {
#pragma GCC unroll 4
    for (std::size_t i = 0; i < 4; ++i) {
      const float* one = image + static_cast<std::size_t>(minuend[i]) * input.row_stride;
      const float* two = image + static_cast<std::size_t>(other[i]) * input.row_stride;
      Register down[4];
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j)
        down[j] = i == 1 ? load<W>(one + j * W) + load<W>(two + j * W) : load<W>(one + j * W) - load<W>(two + j * W);
      Register points[4];
      input_points(down, points);
#pragma GCC unroll 4
      for (std::size_t j = 0; j < 4; ++j) store<W>(target + (i * 4 + j) * input.plane, points[j]);
    }
  }
}

template <int W>
void blocked_winograd_output(const BlockedWinogradOutput& output) noexcept {
  using Register = FloatLanes<W>;
  const Register start = load<W>(output.start);
  const Register low = broadcast<W>(output.bounds != nullptr ? output.bounds[0] : -__builtin_inff());
  const Register high = broadcast<W>(output.bounds != nullptr ? output.bounds[1] : __builtin_inff());
  for (std::size_t tile = 0; tile < output.tiles; ++tile) {
    Register down[2][4];  // A^T along the rows: (x0 + x1 + x2, x1 - x2 - x3)
#pragma GCC unroll 4
    for (std::size_t j = 0; j < 4; ++j) {
      const float* sums = output.sums + j * output.plane + tile * W;
      const Register one = load<W>(sums + 4 * output.plane);
      const Register two = load<W>(sums + 8 * output.plane);
      down[0][j] = load<W>(sums) + one + two;
      down[1][j] = one - two - load<W>(sums + 12 * output.plane);
    }
    const std::size_t columns = output.columns - 2 * tile < 2 ? output.columns - 2 * tile : 2;
#pragma GCC unroll 2
    for (std::size_t row = 0; row < 2; ++row) {
      if (row == output.rows) break;
      const Register(&x)[4] = down[row];
      const Register across[2] = {x[0] + x[1] + x[2] + start, x[1] - x[2] - x[3] + start};
#pragma GCC unroll 2
      for (std::size_t column = 0; column < 2; ++column) {
        if (column == columns) break;
        const std::size_t place = row * output.row_stride + (2 * tile + column) * W;
        Register sum = across[column];
        if (output.addend != nullptr) sum += load<W>(output.addend + place);
        store<W>(output.outputs + place, at_most<W>(at_least<W>(sum, low), high));
      }
    }
  }
}

template <int W>
constexpr BlockedWinogradKernels blocked_winograd_kernels_of() {
  return {blocked_winograd_input<W>, blocked_winograd_output<W>};
}

}  // namespace
}  // namespace titrate::kernels
