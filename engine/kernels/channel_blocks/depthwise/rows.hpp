// Rows of pixels of W channels as a template; see depthwise.hpp for what it computes. For the files of an instruction set only.
#pragma once

#include "engine/kernels/channel_blocks/depthwise.hpp"
#include "engine/kernels/lanes.hpp"

namespace titrate::kernels {
namespace {

// Neighbouring outputs whose taps lie side by side in memory.
struct OutputRun {
  const float* pixels;  // where the first output's first tap is, in row `first_row` of the image
  std::size_t first_row;
  std::size_t pitch;  // in floats, from row to row
  std::size_t first;  // output column
  std::size_t count;
};

/// The rows of an output's taps. Those outside of the image are rows of zeros. K: how many there are, as a constant; 0: any number.
template <int K>
struct TapRows {
  const float* rows[K];

  [[gnu::always_inline]] TapRows(const BlockedDepthwise& work, const OutputRun& run, std::size_t output_row) {
    const std::ptrdiff_t top = static_cast<std::ptrdiff_t>(output_row * work.stride[0]) - work.pad[0];
#pragma GCC unroll 5
    for (int i = 0; i < K; ++i) {
      const auto row = static_cast<std::size_t>(top + i);  // too large in front of the image
      rows[i] = row < work.rows ? run.pixels + (row - run.first_row) * run.pitch : work.zeros;
    }
  }
  [[gnu::always_inline]] const float* operator[](std::size_t i) const { return rows[i]; }
};

template <>
struct TapRows<0> {
  const BlockedDepthwise& work;
  const OutputRun& run;
  std::ptrdiff_t top;

  [[gnu::always_inline]] TapRows(const BlockedDepthwise& given, const OutputRun& outputs, std::size_t output_row)
      : work(given), run(outputs), top(static_cast<std::ptrdiff_t>(output_row * given.stride[0]) - given.pad[0]) {}
  [[gnu::always_inline]] const float* operator[](std::size_t i) const {
    const auto row = static_cast<std::size_t>(top + static_cast<std::ptrdiff_t>(i * work.dilation[0]));
    return row < work.rows ? run.pixels + (row - run.first_row) * run.pitch : work.zeros;
  }
};

/// The weights of nine taps stay in registers; those of more are read where they are needed, once for several outputs.
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

/// What sums begin with, and what is done to them before they are stored.
template <int W>
struct SumEnds {
  FloatLanes<W> start;
  FloatLanes<W> low;
  FloatLanes<W> high;
  const float* addend;
  float* outputs;

  [[gnu::always_inline]] explicit SumEnds(const BlockedDepthwise& work)
      : start(load<W>(work.filter)),
        low(broadcast<W>(work.bounds != nullptr ? work.bounds[0] : -__builtin_inff())),
        high(broadcast<W>(work.bounds != nullptr ? work.bounds[1] : __builtin_inff())),
        addend(work.addend),
        outputs(work.outputs) {}

  template <int V>
  [[gnu::always_inline]] void finish(FloatLanes<W> (&sums)[V], std::size_t place) const {
    if (addend != nullptr) {
#pragma GCC unroll 8
      for (int own = 0; own < V; ++own) sums[own] += load<W>(addend + place + own * W);
    }
#pragma GCC unroll 8
    for (int own = 0; own < V; ++own) store<W>(outputs + place + own * W, at_most<W>(at_least<W>(sums[own], low), high));
  }
};

template <int W, int K, int S>
struct RowOfOutputs {
  const TapRows<K>& rows;
  const TapWeights<W, K>& weights;
  const SumEnds<W>& ends;
  std::size_t taps_down;
  std::size_t taps_across;
  std::size_t step;    // in floats, from tap to tap
  std::size_t stride;  // and from output to output

  /// V of them. S and K as constants leave nothing to compute but addresses. `offset`: of the first one's taps in their rows, in floats.
  template <int V>
  [[gnu::always_inline]] void chunk(std::size_t offset, std::size_t place) const {
    FloatLanes<W> sums[V];
#pragma GCC unroll 8
    for (std::size_t own = 0; own < V; ++own) sums[own] = ends.start;
#pragma GCC unroll 5
    for (std::size_t i = 0; i < (K > 0 ? K : taps_down); ++i) {
      const float* source = rows[i] + offset;
#pragma GCC unroll 5
      for (std::size_t j = 0; j < (K > 0 ? K : taps_across); ++j) {
        const FloatLanes<W> weight = weights[i * (K > 0 ? K : taps_across) + j];
#pragma GCC unroll 8
        for (std::size_t own = 0; own < V; ++own) {
          const float* tap = source + j * (K > 0 ? W : step) + own * (S > 0 ? S * W : stride);
          sums[own] = multiply_add<W>(weight, load<W>(tap), sums[own]);
        }
      }
    }
    ends.template finish<V>(sums, place);
  }

  /// Fewer than V of them.
  template <int V>
  [[gnu::always_inline]] void rest(std::size_t count, std::size_t offset, std::size_t place) const {
    if constexpr (V > 1) {
      if (count == V - 1) {
        chunk<V - 1>(offset, place);
      } else {
        rest<V - 1>(count, offset, place);
      }
    }
  }

  /// All of them, with as many sums at once as registers are left for.
  [[gnu::always_inline]] void all(std::size_t count, std::size_t place) const {
    constexpr std::size_t wide = K == 3 && W == 8 ? 4 : 8;
    std::size_t offset = 0;
    std::size_t done = 0;
    for (; done + wide <= count; done += wide) {
      chunk<wide>(offset, place);
      offset += wide * (S > 0 ? S * W : stride);
      place += wide * W;
    }
    rest<wide>(count - done, offset, place);
  }
};

/// `width` columns of the image from `first` on, which may be outside: zeros. Rows [first_row, last_row).
template <int W>
[[gnu::always_inline]] inline void copy_strip(const BlockedDepthwise& work, const DepthwiseStrips& strips, std::ptrdiff_t first,
                                              std::size_t width, float* target) {
  for (std::size_t row = strips.first_row; row < strips.last_row; ++row) {
    const float* source = work.image + row * work.columns * W;
    for (std::size_t i = 0; i < width; ++i, target += W) {
      const auto column = static_cast<std::size_t>(first + static_cast<std::ptrdiff_t>(i));  // too large in front of the image
      store<W>(target, column < work.columns ? load<W>(source + column * W) : FloatLanes<W>{});
    }
  }
}

/// The runs of a row of outputs.
struct OutputRuns {
  OutputRun runs[3];
  std::size_t count = 0;

  [[gnu::always_inline]] void add(const OutputRun& run) {
    if (run.count > 0) runs[count++] = run;
  }
};

template <int W>
[[gnu::always_inline]] inline OutputRuns runs_of(const BlockedDepthwise& work, const DepthwiseStrips& strips) {
  const auto column_of = [&](std::size_t output) __attribute__((always_inline)) {
    return static_cast<std::ptrdiff_t>(output * work.stride[1]) - work.pad[1];
  };
  const InnerColumns& inner = strips.inner;
  OutputRuns made;
  copy_strip<W>(work, strips, column_of(0), strips.left, work.strips);
  made.add({work.strips, strips.first_row, strips.left * W, 0, strips.whole ? work.output_columns : inner.first});
  if (strips.whole) return made;
  if (inner.first < inner.last) {
    made.add({work.image + column_of(inner.first) * W, 0, work.columns * W, inner.first, inner.last - inner.first});
  }
  float* right = work.strips + (strips.last_row - strips.first_row) * strips.left * W;
  copy_strip<W>(work, strips, column_of(inner.last), strips.right, right);
  made.add({right, strips.first_row, strips.right * W, inner.last, work.output_columns - inner.last});
  return made;
}

template <int W, int K, int S>
void depthwise_rows(const BlockedDepthwise& given) {
  const BlockedDepthwise work = given;  // no store changes what is here
  const OutputRuns runs = runs_of<W>(work, DepthwiseStrips(work));
  const TapWeights<W, K> weights(work.filter);
  const SumEnds<W> ends(work);
  for (std::size_t row = work.first_row; row < work.last_row; ++row) {
    for (std::size_t i = 0; i < runs.count; ++i) {
      const OutputRun& run = runs.runs[i];
      const TapRows<K> rows(work, run, row);
      const RowOfOutputs<W, K, S> outputs{rows, weights, ends, work.kernel[0], work.kernel[1], work.dilation[1] * W, work.stride[1] * W};
      outputs.all(run.count, (row * work.output_columns + run.first) * W);
    }
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
