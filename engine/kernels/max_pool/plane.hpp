// A whole plane as a template; see max_pool.hpp for what it computes. For the files of an instruction set only.
#pragma once

#include "engine/kernels/lanes.hpp"
#include "engine/kernels/max_pool/max_pool.hpp"

namespace titrate::kernels {
namespace {

// What is compared with a number that is none stays.
template <int W>
[[gnu::always_inline]] inline FloatLanes<W> larger(FloatLanes<W> best, FloatLanes<W> next) {
  return best < next ? next : best;
}

// Rows [first, last) of the image combined, W columns from `column` on.
template <int W>
[[gnu::always_inline]] inline FloatLanes<W> largest_of_rows(const MaxPoolPlane& plane, std::size_t first, std::size_t last,
                                                            std::size_t column) {
  FloatLanes<W> best = broadcast<W>(-__builtin_inff());
  for (std::size_t row = first; row < last; ++row) best = larger<W>(best, load<W>(plane.image + row * plane.columns + column));
  return best;
}

// `count` columns of them: for stride 2 the even ones to `even`, the others to `odd`.
template <int W, int S>
[[gnu::always_inline]] inline void combine_rows(const MaxPoolPlane& plane, std::size_t first, std::size_t last, std::size_t count,
                                                float* even, float* odd) {
  std::size_t done = 0;
  if constexpr (S == 1) {
    for (; done + W <= count; done += W) store<W>(even + done, largest_of_rows<W>(plane, first, last, done));
  } else {
    for (; done + 2 * W <= count; done += 2 * W) {
      const FloatLanes<W> low = largest_of_rows<W>(plane, first, last, done);
      const FloatLanes<W> high = largest_of_rows<W>(plane, first, last, done + W);
      store<W>(even + done / 2, every_other<W, 0>(low, high));
      store<W>(odd + done / 2, every_other<W, 1>(low, high));
    }
  }
  for (; done < count; ++done) {
    float best = -__builtin_inff();
    for (std::size_t row = first; row < last; ++row) {
      const float next = plane.image[row * plane.columns + done];
      best = best < next ? next : best;
    }
    (S == 1 || done % 2 == 0 ? even : odd)[done / S] = best;
  }
}

template <int W, int S>
[[gnu::always_inline]] inline FloatLanes<W> largest_of_columns(const MaxPoolPlane& plane, const float* row, std::size_t part) {
  FloatLanes<W> best = load<W>(row);
  for (std::size_t tap = 1; tap < plane.taps_across; ++tap) best = larger<W>(best, load<W>(row + tap % S * part + tap / S));
  return best;
}

template <int W, int S>
[[gnu::always_inline]] inline void combine_columns(const MaxPoolPlane& plane, std::size_t part, float* outputs) {
  const std::size_t count = plane.output_columns;
  std::size_t done = 0;
  for (; done + W <= count; done += W) store<W>(outputs + done, largest_of_columns<W, S>(plane, plane.row + done, part));
  if (done == count) return;
  const FloatLanes<W> rest = largest_of_columns<W, S>(plane, plane.row + done, part);
  for (std::size_t i = 0; done + i < count; ++i) outputs[done + i] = rest[i];
}

template <int W, int S>
void max_pool_plane(const MaxPoolPlane& plane) noexcept {
  const std::size_t part = max_pool_part(plane.output_columns, plane.taps_across, S);
  const std::size_t room = part * S > plane.pad_left ? part * S - plane.pad_left : 0;
  const std::size_t count = plane.columns < room ? plane.columns : room;
  const std::size_t odd = S == 1 ? 0 : plane.pad_left % S;  // the parity of the column where the image begins
  float* even_target = plane.row + odd * part + plane.pad_left / S;
  float* odd_target = plane.row + (1 - odd) * part + (plane.pad_left + 1) / S;
  for (std::size_t row = 0; row < plane.output_rows; ++row) {
    const std::size_t begin = row * plane.stride_down;  // in padded rows
    const std::size_t end = begin + plane.taps_down;
    const std::size_t first = begin < plane.pad_top ? 0 : begin - plane.pad_top;
    const std::size_t last = end < plane.pad_top ? 0 : end - plane.pad_top;
    combine_rows<W, S>(plane, first, last < plane.rows ? last : plane.rows, count, even_target, odd_target);
    combine_columns<W, S>(plane, part, plane.outputs + row * plane.output_columns);
  }
}

template <int W>
constexpr MaxPoolKernels max_pool_kernels_of() {
  return {{max_pool_plane<W, 1>, max_pool_plane<W, 2>}};
}

}  // namespace
}  // namespace titrate::kernels
