// Rows of pixels of W channels as a template; see depthwise.hpp for what it computes. For the files of an instruction set only.
#pragma once

#include "engine/kernels/channel_blocks/depthwise.hpp"
#include "engine/kernels/lanes.hpp"

namespace titrate::kernels {
namespace {

// The rows of an output's taps. Those outside of the image are rows of zeros. K: how many there are, as a constant; 0: any number.
template <int W, int K>
struct TapRows {
  const float* rows[K];

  [[gnu::always_inline]] TapRows(const BlockedDepthwise& work, std::size_t output_row) {
    const std::ptrdiff_t top = static_cast<std::ptrdiff_t>(output_row * work.stride[0]) - work.pad[0];
#pragma GCC unroll 5
    for (int i = 0; i < K; ++i) {
      const auto row = static_cast<std::size_t>(top + i);  // too large in front of the image
      rows[i] = row < work.rows ? work.image + row * work.columns * W : work.zeros;
    }
  }
  [[gnu::always_inline]] const float* operator[](std::size_t i) const { return rows[i]; }
};

template <int W>
struct TapRows<W, 0> {
  const BlockedDepthwise& work;
  std::ptrdiff_t top;

  [[gnu::always_inline]] TapRows(const BlockedDepthwise& given, std::size_t output_row)
      : work(given), top(static_cast<std::ptrdiff_t>(output_row * given.stride[0]) - given.pad[0]) {}
  [[gnu::always_inline]] const float* operator[](std::size_t i) const {
    const auto row = static_cast<std::size_t>(top + static_cast<std::ptrdiff_t>(i * work.dilation[0]));
    return row < work.rows ? work.image + row * work.columns * W : work.zeros;
  }
};

// The weights of nine taps stay in registers; those of more are read where they are needed, once for several outputs.
template <int W, int K>
struct TapWeights {
  const float* filter;
  [[gnu::always_inline]] explicit TapWeights(const float* given) : filter(given) {}
  [[gnu::always_inline]] FloatLanes<W> operator[](std::size_t tap) const { return load<W>(filter + (1 + tap) * W); }
};

template <int W>
struct TapWeights<W, 3> {
  FloatLanes<W> weights[9];
  [[gnu::always_inline]] explicit TapWeights(const float* filter) {
#pragma GCC unroll 9
    for (std::size_t tap = 0; tap < 9; ++tap) weights[tap] = load<W>(filter + (1 + tap) * W);
  }
  [[gnu::always_inline]] FloatLanes<W> operator[](std::size_t tap) const { return weights[tap]; }
};

// What is done to a sum before it is stored.
template <int W>
[[gnu::always_inline]] inline void finish_sum(const BlockedDepthwise& work, FloatLanes<W> sum, std::size_t place) {
  if (work.addend != nullptr) sum += load<W>(work.addend + place);
  if (work.bounds != nullptr) sum = at_most<W>(at_least<W>(sum, broadcast_from<W>(work.bounds)), broadcast_from<W>(work.bounds + 1));
  store<W>(work.outputs + place, sum);
}

/// V neighbouring outputs with all taps between the first and the last column. S: how far they are apart; 0: any number. `column` is that
/// of the first tap, `place` that of the first output in memory.
template <int W, int K, int S, int V>
[[gnu::always_inline]] inline void inner_outputs(const BlockedDepthwise& work, const TapRows<W, K>& rows, const TapWeights<W, K>& weights,
                                                 std::size_t column, std::size_t place) {
  const std::size_t taps_down = K > 0 ? K : work.kernel[0];
  const std::size_t taps_across = K > 0 ? K : work.kernel[1];
  const std::size_t step = K > 0 ? W : work.dilation[1] * W;
  const std::size_t stride = S > 0 ? S * W : work.stride[1] * W;
  FloatLanes<W> sums[V];
#pragma GCC unroll 8
  for (std::size_t own = 0; own < V; ++own) sums[own] = load<W>(work.filter);
#pragma GCC unroll 5
  for (std::size_t i = 0; i < taps_down; ++i) {
    const float* source = rows[i] + column * W;
#pragma GCC unroll 5
    for (std::size_t j = 0; j < taps_across; ++j) {
      const FloatLanes<W> weight = weights[i * taps_across + j];
#pragma GCC unroll 8
      for (std::size_t own = 0; own < V; ++own) {
        sums[own] = multiply_add<W>(weight, load<W>(source + j * step + own * stride), sums[own]);
      }
    }
  }
#pragma GCC unroll 8
  for (std::size_t own = 0; own < V; ++own) finish_sum<W>(work, sums[own], place + own * W);
}

/// One output at any column: taps outside of the image read a zero.
template <int W, int K>
[[gnu::always_inline]] inline void clipped_output(const BlockedDepthwise& work, const TapRows<W, K>& rows, const TapWeights<W, K>& weights,
                                                  std::size_t output_column, std::size_t place) {
  const std::size_t taps_down = K > 0 ? K : work.kernel[0];
  const std::size_t taps_across = K > 0 ? K : work.kernel[1];
  const std::size_t step = K > 0 ? 1 : work.dilation[1];
  const auto begin = static_cast<std::size_t>(static_cast<std::ptrdiff_t>(output_column * work.stride[1]) - work.pad[1]);
  FloatLanes<W> sum = load<W>(work.filter);
#pragma GCC unroll 5
  for (std::size_t i = 0; i < taps_down; ++i) {
    const float* source = rows[i];
#pragma GCC unroll 5
    for (std::size_t j = 0; j < taps_across; ++j) {
      const std::size_t column = begin + j * step;  // too large in front of the image
      const float* pixel = column < work.columns ? source + column * W : work.zeros;
      sum = multiply_add<W>(weights[i * taps_across + j], load<W>(pixel), sum);
    }
  }
  finish_sum<W>(work, sum, place);
}

// The outputs of a row that have all taps between the first and the last column.
struct InnerColumns {
  std::size_t first;
  std::size_t last;

  [[gnu::always_inline]] explicit InnerColumns(const BlockedDepthwise& work) {
    const auto smaller = [](std::ptrdiff_t a, std::ptrdiff_t b) __attribute__((always_inline)) { return a < b ? a : b; };
    const auto stride = static_cast<std::ptrdiff_t>(work.stride[1]);
    const auto outputs = static_cast<std::ptrdiff_t>(work.output_columns);
    const auto reach = static_cast<std::ptrdiff_t>((work.kernel[1] - 1) * work.dilation[1]);
    const std::ptrdiff_t room = static_cast<std::ptrdiff_t>(work.columns) - 1 - reach + work.pad[1];  // where the last one may begin
    const std::ptrdiff_t begin = smaller(outputs, work.pad[1] <= 0 ? 0 : (work.pad[1] + stride - 1) / stride);
    const std::ptrdiff_t end = room < 0 ? begin : smaller(outputs, room / stride + 1);
    first = static_cast<std::size_t>(begin);
    last = static_cast<std::size_t>(end < begin ? begin : end);
  }
};

template <int W, int K, int S>
void depthwise_rows(const BlockedDepthwise& work) {
  constexpr std::size_t wide = K == 3 ? 4 : 8;  // as many sums as registers are left for
  const InnerColumns inner(work);
  const TapWeights<W, K> weights(work.filter);
  const std::size_t stride = S > 0 ? S : work.stride[1];
  for (std::size_t row = work.first_row; row < work.last_row; ++row) {
    const TapRows<W, K> rows(work, row);
    std::size_t place = row * work.output_columns * W;
    std::size_t done = 0;
    for (; done < inner.first; ++done, place += W) clipped_output<W, K>(work, rows, weights, done, place);
    std::size_t column = static_cast<std::size_t>(static_cast<std::ptrdiff_t>(done * stride) - work.pad[1]);
    const auto run = [&]<int V>() __attribute__((always_inline)) {
      inner_outputs<W, K, S, V>(work, rows, weights, column, place);
      done += V;
      column += V * stride;
      place += V * W;
    };
    while (done + wide <= inner.last) run.template operator()<wide>();
    if (wide > 4 && done + 4 <= inner.last) run.template operator()<4>();
    if (done + 2 <= inner.last) run.template operator()<2>();
    if (done < inner.last) run.template operator()<1>();
    for (; done < work.output_columns; ++done, place += W) clipped_output<W, K>(work, rows, weights, done, place);
  }
}

template <int W, int K>
[[gnu::always_inline]] inline void depthwise_strides(const BlockedDepthwise& work) {
  if (work.stride[1] == 1) {
    depthwise_rows<W, K, 1>(work);
  } else if (work.stride[1] == 2) {
    depthwise_rows<W, K, 2>(work);
  } else {
    depthwise_rows<W, 0, 0>(work);
  }
}

template <int W>
void blocked_depthwise(const BlockedDepthwise& work) noexcept {
  const std::size_t taps = work.kernel[0];
  const bool square = work.kernel[1] == taps && work.dilation[0] == 1 && work.dilation[1] == 1;
  if (square && taps == 3) {
    depthwise_strides<W, 3>(work);
  } else if (square && taps == 5) {
    depthwise_strides<W, 5>(work);
  } else {
    depthwise_strides<W, 0>(work);
  }
}

}  // namespace
}  // namespace titrate::kernels
