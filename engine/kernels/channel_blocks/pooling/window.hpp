// Windows over pixels of W channels as a template; see pooling.hpp for what it computes. For the files of an instruction set only.
#pragma once

#include "engine/kernels/channel_blocks/inner_columns.hpp"
#include "engine/kernels/channel_blocks/pooling.hpp"
#include "engine/kernels/lanes.hpp"

namespace titrate::kernels {
namespace {

// What a window does with its taps. Both begin with what changes no number, and never come to hold NaN (largest) or minus zero (sum) by it:
// so a tap in the padding may take part as `start`.
template <int W>
struct LargestTap {
  static constexpr bool divides = false;
  [[gnu::always_inline]] static FloatLanes<W> start() { return broadcast<W>(-__builtin_inff()); }
  [[gnu::always_inline]] static FloatLanes<W> combine(FloatLanes<W> best, FloatLanes<W> next) { return at_least<W>(best, next); }
};

template <int W>
struct SumOfTaps {
  static constexpr bool divides = true;
  [[gnu::always_inline]] static FloatLanes<W> start() { return FloatLanes<W>{}; }
  [[gnu::always_inline]] static FloatLanes<W> combine(FloatLanes<W> sum, FloatLanes<W> next) { return sum + next; }
};

[[gnu::always_inline]] inline std::ptrdiff_t smaller(std::ptrdiff_t a, std::ptrdiff_t b) { return a < b ? a : b; }
[[gnu::always_inline]] inline std::ptrdiff_t larger(std::ptrdiff_t a, std::ptrdiff_t b) { return a < b ? b : a; }

// The taps of an output that lie in the image, along one axis.
struct TapRange {
  std::ptrdiff_t place;  // in the image, of the first of them
  std::ptrdiff_t count;
  std::ptrdiff_t counted;  // those that an average is over

  [[gnu::always_inline]] TapRange(const BlockedPool& pool, std::size_t axis, std::size_t output) {
    const auto size = static_cast<std::ptrdiff_t>(axis == 0 ? pool.rows : pool.columns);
    const auto step = static_cast<std::ptrdiff_t>(pool.dilation[axis]);
    const auto taps = static_cast<std::ptrdiff_t>(pool.kernel[axis]);
    const std::ptrdiff_t begin = static_cast<std::ptrdiff_t>(output * pool.stride[axis]) - pool.pad[axis];
    const auto taps_before = [&](std::ptrdiff_t end) __attribute__((always_inline)) {  // taps at places < end
      return end <= begin ? 0 : smaller(taps, (end - begin + step - 1) / step);
    };
    const std::ptrdiff_t first = taps_before(0);
    place = begin + first * step;
    count = larger(taps_before(size) - first, 0);
    counted = pool.count_padding ? taps_before(size + pool.pad_end[axis]) : count;
  }
};

// The rows of an output's window that are inside the image.
template <int W>
struct WindowRows {
  const float* first;
  std::size_t count;
  std::size_t pitch;  // in floats, from one to the next
  std::size_t counted;

  [[gnu::always_inline]] WindowRows(const BlockedPool& pool, std::size_t output) {
    const TapRange taps(pool, 0, output);
    count = static_cast<std::size_t>(taps.count);
    counted = static_cast<std::size_t>(taps.counted);
    pitch = pool.dilation[0] * pool.columns * W;
    first = pool.image + (count > 0 ? static_cast<std::size_t>(taps.place) * pool.columns * W : 0);
  }
};

/// One column of them combined. K: how many there are, as a constant; 0: any number.
template <int W, class Tap, int K>
[[gnu::always_inline]] inline FloatLanes<W> combine_column(const WindowRows<W>& rows, std::size_t column) {
  const float* source = rows.first + column * W;
  const std::size_t count = K > 0 ? K : rows.count;
  FloatLanes<W> all = Tap::start();
#pragma GCC unroll 5
  for (std::size_t row = 0; row < count; ++row) all = Tap::combine(all, load<W>(source + row * rows.pitch));
  return all;
}

template <int W, class Tap>
[[gnu::always_inline]] inline void finish_output(FloatLanes<W> all, std::size_t counted, float* output) {
  if constexpr (Tap::divides) all /= broadcast<W>(static_cast<float>(counted > 0 ? counted : 1));
  store<W>(output, all);
}

/// One output at any place.
template <int W, class Tap>
[[gnu::always_inline]] inline void clipped_output(const BlockedPool& pool, const WindowRows<W>& rows, std::size_t output_column,
                                                  float* output) {
  const TapRange taps(pool, 1, output_column);
  FloatLanes<W> all = Tap::start();
  for (std::ptrdiff_t tap = 0; tap < taps.count; ++tap) {
    const auto column = static_cast<std::size_t>(taps.place) + static_cast<std::size_t>(tap) * pool.dilation[1];
    all = Tap::combine(all, combine_column<W, Tap, 0>(rows, column));
  }
  finish_output<W, Tap>(all, rows.counted * static_cast<std::size_t>(taps.counted), output);
}

/// V neighbouring outputs inside: each column that their windows share is combined once. R as K of combine_column, for K columns, S apart.
template <int W, class Tap, int R, int K, int S, int V>
[[gnu::always_inline]] inline void inner_outputs(const WindowRows<W>& rows, std::size_t column, std::size_t counted, float* outputs) {
  constexpr int reach = (V - 1) * S + K;
  FloatLanes<W> columns[reach];
#pragma GCC unroll 9
  for (int i = 0; i < reach; ++i) columns[i] = combine_column<W, Tap, R>(rows, column + static_cast<std::size_t>(i));
#pragma GCC unroll 4
  for (int own = 0; own < V; ++own) {
    FloatLanes<W> all = columns[own * S];
#pragma GCC unroll 5
    for (int tap = 1; tap < K; ++tap) all = Tap::combine(all, columns[own * S + tap]);
    finish_output<W, Tap>(all, counted, outputs + own * W);
  }
}

template <int W, class Tap, int R, int K, int S>
[[gnu::always_inline]] inline void inner_run(const WindowRows<W>& rows, std::size_t column, std::size_t count, std::size_t counted,
                                             float* outputs) {
  constexpr int wide = K <= 3 ? 4 : 2;
  std::size_t done = 0;
  for (; done + wide <= count; done += wide) {
    inner_outputs<W, Tap, R, K, S, wide>(rows, column + done * S, counted, outputs + done * W);
  }
  for (; done < count; ++done) inner_outputs<W, Tap, R, K, S, 1>(rows, column + done * S, counted, outputs + done * W);
}

/// Windows of K x K neighbours, S columns apart.
template <int W, class Tap, int K, int S>
void pool_small(const BlockedPool& pool) {
  const InnerColumns inner(pool.columns, K, S, pool.pad[1], pool.output_columns);
  const std::size_t column = static_cast<std::size_t>(static_cast<std::ptrdiff_t>(inner.first * S) - pool.pad[1]);
  for (std::size_t row = 0; row < pool.output_rows; ++row) {
    const WindowRows<W> rows(pool, row);
    float* outputs = pool.outputs + row * pool.output_columns * W;
    for (std::size_t own = 0; own < inner.first; ++own) clipped_output<W, Tap>(pool, rows, own, outputs + own * W);
    if (rows.count == K) {
      inner_run<W, Tap, K, K, S>(rows, column, inner.last - inner.first, rows.counted * K, outputs + inner.first * W);
    } else {
      inner_run<W, Tap, 0, K, S>(rows, column, inner.last - inner.first, rows.counted * K, outputs + inner.first * W);
    }
    for (std::size_t own = inner.last; own < pool.output_columns; ++own) clipped_output<W, Tap>(pool, rows, own, outputs + own * W);
  }
}

// Any window: rows of the image are combined into `kept`, as far as some neighbouring outputs reach, then columns of that.
constexpr std::size_t kept_columns = 64;

/// V registers, `apart` floats from one to the next; each is combined with `count` - 1 others, `step` floats from one to the next.
template <int W, class Tap, int V>
[[gnu::always_inline]] inline void combine_several(const float* source, std::size_t count, std::size_t step, std::size_t apart,
                                                   FloatLanes<W> (&all)[V]) {
#pragma GCC unroll 4
  for (std::size_t own = 0; own < V; ++own) all[own] = Tap::start();
  for (std::size_t tap = 0; tap < count; ++tap, source += step) {
#pragma GCC unroll 4
    for (std::size_t own = 0; own < V; ++own) all[own] = Tap::combine(all[own], load<W>(source + own * apart));
  }
}

/// Rows of `count` columns combined, from `column` on.
template <int W, class Tap>
[[gnu::always_inline]] inline void keep_columns(const WindowRows<W>& rows, std::size_t column, std::size_t count, float* kept) {
  const float* source = rows.first + column * W;
  std::size_t done = 0;
  for (; done + 4 <= count; done += 4) {
    FloatLanes<W> all[4];
    combine_several<W, Tap, 4>(source + done * W, rows.count, rows.pitch, W, all);
#pragma GCC unroll 4
    for (std::size_t own = 0; own < 4; ++own) store<W>(kept + (done + own) * W, all[own]);
  }
  for (; done < count; ++done) store<W>(kept + done * W, combine_column<W, Tap, 0>(rows, column + done));
}

/// Outputs [first, first + count), which reach kept_columns at most.
template <int W, class Tap>
[[gnu::always_inline]] inline void kept_outputs(const BlockedPool& pool, const WindowRows<W>& rows, std::size_t first, std::size_t count,
                                                float* outputs) {
  float kept[kept_columns * W];
  const std::size_t step = pool.dilation[1];
  const auto reach = static_cast<std::ptrdiff_t>((count - 1) * pool.stride[1] + (pool.kernel[1] - 1) * step + 1);
  const std::ptrdiff_t begin = static_cast<std::ptrdiff_t>(first * pool.stride[1]) - pool.pad[1];
  const std::ptrdiff_t inside = larger(0, smaller(reach, -begin));  // where the image begins and ends
  const std::ptrdiff_t outside = larger(inside, smaller(reach, static_cast<std::ptrdiff_t>(pool.columns) - begin));
  for (std::ptrdiff_t i = 0; i < inside; ++i) store<W>(kept + i * W, Tap::start());
  if (inside < outside) {
    keep_columns<W, Tap>(rows, static_cast<std::size_t>(begin + inside), static_cast<std::size_t>(outside - inside), kept + inside * W);
  }
  for (std::ptrdiff_t i = outside; i < reach; ++i) store<W>(kept + i * W, Tap::start());
  const auto counted = [&](std::size_t own) __attribute__((always_inline)) {
    return Tap::divides ? rows.counted * static_cast<std::size_t>(TapRange(pool, 1, first + own).counted) : 0;
  };
  const std::size_t apart = pool.stride[1] * W;
  std::size_t done = 0;
  for (; done + 4 <= count; done += 4) {
    FloatLanes<W> all[4];
    combine_several<W, Tap, 4>(kept + done * apart, pool.kernel[1], step * W, apart, all);
#pragma GCC unroll 4
    for (std::size_t own = 0; own < 4; ++own) finish_output<W, Tap>(all[own], counted(done + own), outputs + (done + own) * W);
  }
  for (; done < count; ++done) {
    FloatLanes<W> all[1];
    combine_several<W, Tap, 1>(kept + done * apart, pool.kernel[1], step * W, apart, all);
    finish_output<W, Tap>(all[0], counted(done), outputs + done * W);
  }
}

template <int W, class Tap>
void pool_any(const BlockedPool& pool) {
  const std::size_t window = (pool.kernel[1] - 1) * pool.dilation[1] + 1;
  const std::size_t together = window > kept_columns ? 0 : (kept_columns - window) / pool.stride[1] + 1;
  for (std::size_t row = 0; row < pool.output_rows; ++row) {
    const WindowRows<W> rows(pool, row);
    float* outputs = pool.outputs + row * pool.output_columns * W;
    if (together == 0) {
      for (std::size_t own = 0; own < pool.output_columns; ++own) clipped_output<W, Tap>(pool, rows, own, outputs + own * W);
      continue;
    }
    for (std::size_t done = 0; done < pool.output_columns; done += together) {
      const std::size_t left = pool.output_columns - done;
      kept_outputs<W, Tap>(pool, rows, done, left < together ? left : together, outputs + done * W);
    }
  }
}

template <int W, class Tap>
[[gnu::always_inline]] inline void pool_block(const BlockedPool& pool) {
  const std::size_t taps = pool.kernel[1];
  const std::size_t stride = pool.stride[1];
  const bool dense = pool.kernel[0] == taps && pool.dilation[0] == 1 && pool.dilation[1] == 1;
  if (dense && taps == 3 && stride == 2) {
    pool_small<W, Tap, 3, 2>(pool);
  } else if (dense && taps == 3 && stride == 1) {
    pool_small<W, Tap, 3, 1>(pool);
  } else if (dense && taps == 2 && stride == 2) {
    pool_small<W, Tap, 2, 2>(pool);
  } else {
    pool_any<W, Tap>(pool);
  }
}

template <int W>
void largest_of_block(const BlockedPool& pool) noexcept {
  pool_block<W, LargestTap<W>>(pool);
}

template <int W>
void average_of_block(const BlockedPool& pool) noexcept {
  pool_block<W, SumOfTaps<W>>(pool);
}

// Half of a pixel in double fills a register as well, and eight sums of them fit.
template <int W>
void mean_of_block(const float* image, std::size_t pixels, float* output) noexcept {
  constexpr int half = W / 2;
  typedef double Doubles __attribute__((vector_size(4 * W)));
  const auto widened = [](const float* source) __attribute__((always_inline)) {
    return __builtin_convertvector(load<half>(source), Doubles);
  };
  for (std::size_t lane = 0; lane < W; lane += half) {
    Doubles sums[8] = {};
    const float* source = image + lane;
    std::size_t done = 0;
    for (; done + 8 <= pixels; done += 8, source += 8 * W) {
#pragma GCC unroll 8
      for (std::size_t part = 0; part < 8; ++part) sums[part] += widened(source + part * W);
    }
#pragma GCC unroll 8
    for (std::size_t part = 0; part < 8; ++part) {
      if (done + part < pixels) sums[part] += widened(source + part * W);
    }
    Doubles sum = sums[0];
#pragma GCC unroll 8
    for (std::size_t part = 1; part < 8; ++part) sum += sums[part];
    const auto mean = __builtin_convertvector(sum / static_cast<double>(pixels), FloatLanes<half>);
    store<half>(output + lane, mean);
  }
}

template <int W>
constexpr BlockedPoolKernels blocked_pool_kernels_of() {
  return {largest_of_block<W>, average_of_block<W>, mean_of_block<W>};
}

}  // namespace
}  // namespace titrate::kernels
