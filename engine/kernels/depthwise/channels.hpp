// W channels of small planes at once as a template; see depthwise.hpp for what it computes. For the files of an instruction set only.
#pragma once

#include "engine/kernels/depthwise/depthwise.hpp"
#include "engine/kernels/lanes.hpp"

namespace titrate::kernels {
namespace {

// Lane j of register i becomes lane i of register j: each step deals all lanes out like cards, in log2(W) steps each lane is at its place.
template <int W>
[[gnu::always_inline]] inline void transpose(FloatLanes<W> (&square)[W]) {
#pragma GCC unroll 4
  for (int step = 1; step < W; step *= 2) {
    FloatLanes<W> dealt[W];
#pragma GCC unroll 8
    for (int i = 0; i < W / 2; ++i) {
      dealt[2 * i] = in_turn<W, false>(square[i], square[i + W / 2]);
      dealt[2 * i + 1] = in_turn<W, true>(square[i], square[i + W / 2]);
    }
#pragma GCC unroll 16
    for (int i = 0; i < W; ++i) square[i] = dealt[i];
  }
}

// The image's pixels to their places in the padded one, W channels of a pixel side by side. The last square lies over the one before.
template <int W>
[[gnu::always_inline]] inline void spread_pixels(const DepthwiseChannels& work, std::size_t pitch) {
  const std::size_t pixels = work.rows * work.columns;
  for (std::size_t next = 0; next < pixels; next += W) {
    const std::size_t pixel = next + W <= pixels ? next : pixels - W;
    FloatLanes<W> square[W];
#pragma GCC unroll 16
    for (int lane = 0; lane < W; ++lane) {
      const std::size_t channel = static_cast<std::size_t>(lane) < work.channels ? static_cast<std::size_t>(lane) : work.channels - 1;
      square[lane] = load<W>(work.image + channel * pixels + pixel);
    }
    transpose<W>(square);
    std::size_t column = pixel % work.columns;
    float* target = work.padded + ((pixel / work.columns + work.pad_top) * pitch + work.pad_left + column) * W;
#pragma GCC unroll 16
    for (int own = 0; own < W; ++own) {
      store<W>(target, square[own]);
      target += W;
      if (++column == work.columns) {
        column = 0;
        target += (pitch - work.columns) * W;
      }
    }
  }
}

// V neighbouring outputs of W channels.
template <int W, int K, int S, int V>
[[gnu::always_inline]] inline void channels_chunk(const float* weights, const float* source, std::size_t pitch, FloatLanes<W> start,
                                                  FloatLanes<W> low, FloatLanes<W> high, float* outputs) {
  FloatLanes<W> sums[V];
#pragma GCC unroll 4
  for (int part = 0; part < V; ++part) sums[part] = start;
#pragma GCC unroll 5
  for (int i = 0; i < K; ++i) {
#pragma GCC unroll 5
    for (int j = 0; j < K; ++j) {
      const FloatLanes<W> weight = load<W>(weights + (i * K + j) * W);
#pragma GCC unroll 4
      for (int part = 0; part < V; ++part) sums[part] = multiply_add<W>(weight, load<W>(source + (j + part * S) * W), sums[part]);
    }
    source += pitch * W;
  }
#pragma GCC unroll 4
  for (int part = 0; part < V; ++part) store<W>(outputs + part * W, at_most<W>(at_least<W>(sums[part], low), high));
}

// The finished outputs back to their planes.
template <int W>
[[gnu::always_inline]] inline void collect_outputs(const DepthwiseChannels& work, const float* finished) {
  const std::size_t pixels = work.output_rows * work.output_columns;
  for (std::size_t next = 0; next < pixels; next += W) {
    const std::size_t pixel = next + W <= pixels ? next : pixels - W;
    FloatLanes<W> square[W];
#pragma GCC unroll 16
    for (int own = 0; own < W; ++own) square[own] = load<W>(finished + (pixel + static_cast<std::size_t>(own)) * W);
    transpose<W>(square);
#pragma GCC unroll 16
    for (int lane = 0; lane < W; ++lane) {
      if (static_cast<std::size_t>(lane) < work.channels)
        store<W>(work.outputs + static_cast<std::size_t>(lane) * pixels + pixel, square[lane]);
    }
  }
}

template <int W, int K, int S>
void depthwise_channels(const DepthwiseChannels& work) noexcept {
  const PaddedChannels padded(work, K, S);
  float weights[K * K * W] = {};
  float starts[W] = {};
  for (std::size_t channel = 0; channel < work.channels; ++channel) {
    for (std::size_t tap = 0; tap < K * K; ++tap) weights[tap * W + channel] = work.weights[channel * K * K + tap];
    if (work.start != nullptr) starts[channel] = work.start[channel];
  }
  const FloatLanes<W> start = load<W>(starts);
  const FloatLanes<W> low = broadcast<W>(work.bounds != nullptr ? work.bounds[0] : -__builtin_inff());
  const FloatLanes<W> high = broadcast<W>(work.bounds != nullptr ? work.bounds[1] : __builtin_inff());
  spread_pixels<W>(work, padded.pitch);
  float* const finished = work.padded + padded.rows * padded.pitch * W;
  float* target = finished;
  for (std::size_t row = 0; row < work.output_rows; ++row) {
    const float* source = work.padded + row * S * padded.pitch * W;
    std::size_t column = 0;
    for (; column + 4 <= work.output_columns; column += 4, target += 4 * W) {
      channels_chunk<W, K, S, 4>(weights, source + column * S * W, padded.pitch, start, low, high, target);
    }
    for (; column < work.output_columns; ++column, target += W) {
      channels_chunk<W, K, S, 1>(weights, source + column * S * W, padded.pitch, start, low, high, target);
    }
  }
  collect_outputs<W>(work, finished);
}

}  // namespace
}  // namespace titrate::kernels
