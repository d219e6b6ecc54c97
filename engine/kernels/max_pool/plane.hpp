// A whole plane as a template; see max_pool.hpp for what it computes. For the files of an instruction set only.
#pragma once

#include "engine/kernels/lanes.hpp"
#include "engine/kernels/max_pool/max_pool.hpp"

namespace titrate::kernels {
namespace {

// Rows [first, last) of the image combined, W columns from `column` on. What is compared with a number that is none stays. T: how many
// rows or columns a window has, as a constant; 0: any number.
template <int W, int T>
[[gnu::always_inline]] inline FloatLanes<W> largest_of_rows(const MaxPoolPlane& plane, std::size_t first, std::size_t last,
                                                            std::size_t column) {
  FloatLanes<W> best = broadcast<W>(-__builtin_inff());
  const float* source = plane.image + first * plane.columns + column;
  const std::size_t rows = T > 0 ? T : last - first;
#pragma GCC unroll 4
  for (std::size_t row = 0; row < rows; ++row) best = at_least<W>(best, load<W>(source + row * plane.columns));
  return best;
}

// S * W columns of them, from an even column on for stride 2: the even ones to `even`, the others to `odd`.
template <int W, int S, int T>
[[gnu::always_inline]] inline void combine_chunk(const MaxPoolPlane& plane, std::size_t first, std::size_t last, std::size_t column,
                                                 float* even, float* odd) {
  const FloatLanes<W> low = largest_of_rows<W, T>(plane, first, last, column);
  if constexpr (S == 1) {
    store<W>(even + column, low);
  } else {
    const FloatLanes<W> high = largest_of_rows<W, T>(plane, first, last, column + W);
    store<W>(even + column / 2, every_other<W, 0>(low, high));
    store<W>(odd + column / 2, every_other<W, 1>(low, high));
  }
}

// `count` columns. The last chunk lies over a part of the one before.
template <int W, int S, int T>
[[gnu::always_inline]] inline void combine_rows(const MaxPoolPlane& plane, std::size_t first, std::size_t last, std::size_t count,
                                                float* even, float* odd) {
  std::size_t done = 0;
  for (; done + S * W <= count; done += S * W) combine_chunk<W, S, T>(plane, first, last, done, even, odd);
  if (done > 0 && done < count) {
    const std::size_t column = (count - S * W) / S * S;
    combine_chunk<W, S, T>(plane, first, last, column, even, odd);
    done = column + S * W;
  }
  if constexpr (W > 4) {
    if (done == 0 && count >= S * 4) {
      combine_rows<4, S, T>(plane, first, last, count, even, odd);
      return;
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

template <int W, int S, int T>
[[gnu::always_inline]] inline FloatLanes<W> largest_of_columns(const MaxPoolPlane& plane, const float* row, std::size_t part) {
  FloatLanes<W> best = load<W>(row);
  const std::size_t taps = T > 0 ? T : plane.taps_across;
#pragma GCC unroll 4
  for (std::size_t tap = 1; tap < taps; ++tap) best = at_least<W>(best, load<W>(row + tap % S * part + tap / S));
  return best;
}

template <int W, int S, int T>
[[gnu::always_inline]] inline void combine_columns(const MaxPoolPlane& plane, const float* row, std::size_t part, float* outputs) {
  const std::size_t count = plane.output_columns;
  std::size_t done = 0;
  for (; done + W <= count; done += W) store<W>(outputs + done, largest_of_columns<W, S, T>(plane, row + done, part));
  if (done == count) return;
  if (done > 0) {
    store<W>(outputs + count - W, largest_of_columns<W, S, T>(plane, row + count - W, part));
    return;
  }
  const FloatLanes<W> rest = largest_of_columns<W, S, T>(plane, row, part);
  for (std::size_t i = 0; i < count; ++i) outputs[i] = rest[i];
}

template <int W, int S>
void max_pool_plane(const MaxPoolPlane& plane) noexcept {
  const std::size_t part = max_pool_part(plane.output_columns, plane.taps_across, S);
  const std::size_t size = max_pool_row_size(plane.output_columns, plane.taps_across, S);
  const std::size_t room = part * S > plane.pad_left ? part * S - plane.pad_left : 0;
  const std::size_t count = plane.columns < room ? plane.columns : room;
  const std::size_t odd = S == 1 ? 0 : plane.pad_left % S;  // the parity of the column where the image begins
  const std::size_t even_place = odd * part + plane.pad_left / S;
  const std::size_t odd_place = (1 - odd) * part + (plane.pad_left + 1) / S;
  const auto combine = [&](std::size_t row) __attribute__((always_inline)) {
    const std::size_t begin = row * plane.stride_down;  // in padded rows
    const std::size_t end = begin + plane.taps_down;
    const std::size_t first = begin < plane.pad_top ? 0 : begin - plane.pad_top;
    const std::size_t last = end < plane.pad_top ? 0 : end - plane.pad_top;
    float* target = plane.rows_kept + row % 2 * size;
    const std::size_t inside = last < plane.rows ? last : plane.rows;
    if (inside - first == 3) {
      combine_rows<W, S, 3>(plane, first, inside, count, target + even_place, target + odd_place);
    } else {
      combine_rows<W, S, 0>(plane, first, inside, count, target + even_place, target + odd_place);
    }
  };
  // A row ahead: a load that straddles two stores waits until both have left for the cache.
  if (plane.output_rows > 0) combine(0);
  for (std::size_t row = 0; row < plane.output_rows; ++row) {
    if (row + 1 < plane.output_rows) combine(row + 1);
    const float* kept = plane.rows_kept + row % 2 * size;
    float* outputs = plane.outputs + row * plane.output_columns;
    if (plane.taps_across == 3) {
      combine_columns<W, S, 3>(plane, kept, part, outputs);
    } else {
      combine_columns<W, S, 0>(plane, kept, part, outputs);
    }
  }
}

template <int W>
constexpr MaxPoolKernels max_pool_kernels_of() {
  return {{max_pool_plane<W, 1>, max_pool_plane<W, 2>}};
}

}  // namespace
}  // namespace titrate::kernels
