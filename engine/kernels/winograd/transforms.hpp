// The transforms as templates; see winograd.hpp for what they compute. Each is a few additions in a fixed order: all instruction sets give
// equal bits. For the files of an instruction set only.
#pragma once

#include "engine/kernels/lanes.hpp"
#include "engine/kernels/winograd/input_points.hpp"
#include "engine/kernels/winograd/winograd.hpp"

namespace titrate::kernels {
namespace {

[[gnu::always_inline]] inline void zero(float* target, std::size_t begin, std::size_t end) {
  for (std::size_t i = begin; i < end; ++i) target[i] = 0.0F;
}

template <int W>
void winograd_pad(const WinogradPadding& padding) noexcept {
  const std::size_t part = padding.part;
  const std::size_t room = 2 * part > padding.pad_left ? 2 * part - padding.pad_left : 0;
  const std::size_t count = padding.columns < room ? padding.columns : room;
  const std::size_t odd = padding.pad_left % 2;  // the parity of the column where the image begins
  const std::size_t first_even = odd * part + padding.pad_left / 2;
  const std::size_t first_odd = (1 - odd) * part + (padding.pad_left + 1) / 2;
  if (part <= 2 * W) {  // short rows: all zeros at once
    zero(padding.padded, 0, padding.padded_rows * 2 * part);
    const std::size_t room_down = padding.padded_rows > padding.pad_top ? padding.padded_rows - padding.pad_top : 0;
    const std::size_t rows = padding.rows < room_down ? padding.rows : room_down;
    float* target = padding.padded + padding.pad_top * 2 * part;
    for (std::size_t row = 0; row < rows && count > 0; ++row, target += 2 * part)
      split_floats<W>(padding.channel + row * padding.columns, target + first_even, target + first_odd, count);
    return;
  }
  for (std::size_t row = 0; row < padding.padded_rows; ++row) {
    float* target = padding.padded + row * 2 * part;
    if (row < padding.pad_top || row - padding.pad_top >= padding.rows || count == 0) {
      zero(target, 0, 2 * part);
      continue;
    }
    split_floats<W>(padding.channel + (row - padding.pad_top) * padding.columns, target + first_even, target + first_odd, count);
    zero(target, odd * part, first_even);
    zero(target, first_even + (count + 1) / 2, (odd + 1) * part);
    zero(target, (1 - odd) * part, first_odd);
    zero(target, first_odd + count / 2, (2 - odd) * part);
  }
}

template <int W>
void winograd_input(const WinogradInput& input) noexcept {
  using Register = FloatLanes<W>;
  const std::size_t part = input.part;
  for (std::size_t tile = 0; tile < input.tiles; tile += W) {
    const float* source = input.padded + tile;
    Register down[4][4];  // [column][point along the rows]
#pragma GCC unroll 4
    for (std::size_t j = 0; j < 4; ++j) {
      const float* column = source + j % 2 * part + j / 2;
      const Register pixels[4] = {load<W>(column), load<W>(column + 2 * part), load<W>(column + 4 * part), load<W>(column + 6 * part)};
      input_points(pixels, down[j]);
    }
#pragma GCC unroll 4
    for (std::size_t i = 0; i < 4; ++i) {
      const Register across[4] = {down[0][i], down[1][i], down[2][i], down[3][i]};
      Register points[4];
      input_points(across, points);
#pragma GCC unroll 4
      for (std::size_t j = 0; j < 4; ++j) store<W>(input.points + (i * 4 + j) * input.plane + tile, points[j]);
    }
  }
}

template <int W>
[[gnu::always_inline]] inline FloatLanes<W> finished(FloatLanes<W> sums, FloatLanes<W> low, FloatLanes<W> high) {
  return at_most<W>(at_least<W>(sums, low), high);
}

// 2 * W outputs of a row, of which `count` exist.
template <int W>
[[gnu::always_inline]] inline void store_outputs(FloatLanes<W> even, FloatLanes<W> odd, const WinogradOutput& output, std::size_t place,
                                                 std::size_t count, FloatLanes<W> low, FloatLanes<W> high) {
  const FloatLanes<W> start = broadcast<W>(output.start);
  FloatLanes<W> halves[2] = {in_turn<W, false>(even, odd) + start, in_turn<W, true>(even, odd) + start};
#pragma GCC unroll 2
  for (std::size_t half = 0; half < 2; ++half) {
    float* target = output.outputs + place + half * W;
    const float* addend = output.addend == nullptr ? nullptr : output.addend + place + half * W;
    if (count >= (half + 1) * W) {
      if (addend != nullptr) halves[half] += load<W>(addend);
      store<W>(target, finished<W>(halves[half], low, high));
    } else if (count > half * W) {
      float rest[W] = {};
      for (std::size_t i = 0; addend != nullptr && half * W + i < count; ++i) rest[i] = addend[i];
      if (addend != nullptr) halves[half] += load<W>(rest);
      store<W>(rest, finished<W>(halves[half], low, high));
      for (std::size_t i = 0; half * W + i < count; ++i) target[i] = rest[i];
    }
  }
}

template <int W>
void winograd_output(const WinogradOutput& output) noexcept {
  using Register = FloatLanes<W>;
  const Register low = broadcast<W>(output.bounds != nullptr ? output.bounds[0] : -__builtin_inff());
  const Register high = broadcast<W>(output.bounds != nullptr ? output.bounds[1] : __builtin_inff());
  for (std::size_t tile = 0; tile < output.tiles && 2 * tile < output.columns; tile += W) {
    Register down[2][4];  // A^T along the rows: (x0 + x1 + x2, x1 - x2 - x3)
#pragma GCC unroll 4
    for (std::size_t j = 0; j < 4; ++j) {
      const float* sums = output.sums + j * output.plane + tile;
      const Register one = load<W>(sums + 4 * output.plane);
      const Register two = load<W>(sums + 8 * output.plane);
      down[0][j] = load<W>(sums) + one + two;
      down[1][j] = one - two - load<W>(sums + 12 * output.plane);
    }
    const std::size_t count = output.columns - 2 * tile < 2 * W ? output.columns - 2 * tile : 2 * W;
    for (std::size_t row = 0; row < output.rows; ++row) {
      const Register(&x)[4] = down[row];
      store_outputs<W>(x[0] + x[1] + x[2], x[1] - x[2] - x[3], output, row * output.pitch + 2 * tile, count, low, high);
    }
  }
}

template <int W>
constexpr WinogradKernels winograd_kernels_of() {
  return {winograd_pad<W>, winograd_input<W>, winograd_output<W>};
}

}  // namespace
}  // namespace titrate::kernels
