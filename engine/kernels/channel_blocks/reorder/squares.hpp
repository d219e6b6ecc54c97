// Four pixels of W channels at a time as a template; see reorder.hpp for what it computes. For the files of an instruction set only.
#pragma once

#include "engine/kernels/channel_blocks/reorder.hpp"
#include "engine/kernels/lanes.hpp"

namespace titrate::kernels {
namespace {

// Quarters of 4 lanes: register i holds four pixels of the channels i, i + 4, i + 8 ..., so that squares of 4 x 4 are turned around inside
// of the quarters, and what a pixel needs is in one register then. Nothing crosses from quarter to quarter but on the way in and out of
// memory.

/// Lanes `first` and `first + 1` of each quarter in turn: a, b, a, b.
template <int W, int first>
[[gnu::always_inline]] inline FloatLanes<W> lanes_in_turn(FloatLanes<W> a, FloatLanes<W> b) {
  constexpr int f = first;
  if constexpr (W == 8) {
    return __builtin_shuffle(a, b, IntLanes<8>{f, f + 8, f + 1, f + 9, f + 4, f + 12, f + 5, f + 13});
  } else {
    return __builtin_shuffle(
        a, b,
        IntLanes<16>{f, f + 16, f + 1, f + 17, f + 4, f + 20, f + 5, f + 21, f + 8, f + 24, f + 9, f + 25, f + 12, f + 28, f + 13, f + 29});
  }
}

/// Lanes `first` and `first + 1` of each quarter as pairs: a, a, b, b.
template <int W, int first>
[[gnu::always_inline]] inline FloatLanes<W> pairs_in_turn(FloatLanes<W> a, FloatLanes<W> b) {
  constexpr int f = first;
  if constexpr (W == 8) {
    return __builtin_shuffle(a, b, IntLanes<8>{f, f + 1, f + 8, f + 9, f + 4, f + 5, f + 12, f + 13});
  } else {
    return __builtin_shuffle(
        a, b,
        IntLanes<16>{f, f + 1, f + 16, f + 17, f + 4, f + 5, f + 20, f + 21, f + 8, f + 9, f + 24, f + 25, f + 12, f + 13, f + 28, f + 29});
  }
}

/// Lane j of register i becomes lane i of register j, in each quarter.
template <int W>
[[gnu::always_inline]] inline void turn_quarters(FloatLanes<W> (&square)[4]) {
  const FloatLanes<W> low_even = lanes_in_turn<W, 0>(square[0], square[1]);
  const FloatLanes<W> high_even = lanes_in_turn<W, 2>(square[0], square[1]);
  const FloatLanes<W> low_odd = lanes_in_turn<W, 0>(square[2], square[3]);
  const FloatLanes<W> high_odd = lanes_in_turn<W, 2>(square[2], square[3]);
  square[0] = pairs_in_turn<W, 0>(low_even, low_odd);
  square[1] = pairs_in_turn<W, 2>(low_even, low_odd);
  square[2] = pairs_in_turn<W, 0>(high_even, high_odd);
  square[3] = pairs_in_turn<W, 2>(high_even, high_odd);
}

template <int W>
[[gnu::always_inline]] inline FloatLanes<W> joined(FloatLanes<W / 2> low, FloatLanes<W / 2> high) {
  if constexpr (W == 8) {
    return __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7);
  } else {
    return __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  }
}

template <int W, bool upper>
[[gnu::always_inline]] inline FloatLanes<W / 2> half_of(FloatLanes<W> both) {
  constexpr int f = upper ? W / 2 : 0;
  if constexpr (W == 8) {
    return __builtin_shufflevector(both, both, f, f + 1, f + 2, f + 3);
  } else {
    return __builtin_shufflevector(both, both, f, f + 1, f + 2, f + 3, f + 4, f + 5, f + 6, f + 7);
  }
}

/// Four pixels of the channels first, first + 4, first + 8 ...; zeros for those behind the last channel.
template <int W, int N>
[[gnu::always_inline]] inline FloatLanes<N> load_quarters(const float* pixel, std::size_t pixels, std::size_t first, std::size_t channels) {
  if constexpr (N == 4) {
    static constexpr float zeros[4] = {};
    return load<4>(first < channels ? pixel + first * pixels : zeros);
  } else {
    return joined<N>(load_quarters<W, N / 2>(pixel, pixels, first, channels),
                     load_quarters<W, N / 2>(pixel, pixels, first + N / 2, channels));
  }
}

template <int N>
[[gnu::always_inline]] inline void store_quarters(FloatLanes<N> quarters, float* pixel, std::size_t pixels, std::size_t first,
                                                  std::size_t channels) {
  if constexpr (N == 4) {
    if (first < channels) store<4>(pixel + first * pixels, quarters);
  } else {
    store_quarters<N / 2>(half_of<N, false>(quarters), pixel, pixels, first, channels);
    store_quarters<N / 2>(half_of<N, true>(quarters), pixel, pixels, first + N / 2, channels);
  }
}

template <int W>
[[gnu::always_inline]] inline void square_to_block(const float* pixel, std::size_t channels, std::size_t pixels, float* block) {
  FloatLanes<W> square[4];
#pragma GCC unroll 4
  for (std::size_t i = 0; i < 4; ++i) square[i] = load_quarters<W, W>(pixel, pixels, i, channels);
  turn_quarters<W>(square);
#pragma GCC unroll 4
  for (std::size_t i = 0; i < 4; ++i) store<W>(block + i * W, square[i]);
}

template <int W>
[[gnu::always_inline]] inline void square_from_block(const float* block, std::size_t channels, std::size_t pixels, float* pixel) {
  FloatLanes<W> square[4];
#pragma GCC unroll 4
  for (std::size_t i = 0; i < 4; ++i) square[i] = load<W>(block + i * W);
  turn_quarters<W>(square);
#pragma GCC unroll 4
  for (std::size_t i = 0; i < 4; ++i) store_quarters<W>(square[i], pixel, pixels, i, channels);
}

// The last square lies over a part of the one before. `channels` is W as a constant for a full block.
template <int W>
[[gnu::always_inline]] inline void reorder_to(const float* planes, std::size_t channels, std::size_t pixels, float* block) {
  std::size_t done = 0;
  for (; done + 4 <= pixels; done += 4) square_to_block<W>(planes + done, channels, pixels, block + done * W);
  if (done == pixels) return;
  if (pixels >= 4) {
    square_to_block<W>(planes + pixels - 4, channels, pixels, block + (pixels - 4) * W);
    return;
  }
  for (; done < pixels; ++done) {
    for (std::size_t channel = 0; channel < W; ++channel) {
      block[done * W + channel] = channel < channels ? planes[channel * pixels + done] : 0;
    }
  }
}

template <int W>
[[gnu::always_inline]] inline void reorder_from(const float* block, std::size_t channels, std::size_t pixels, float* planes) {
  std::size_t done = 0;
  for (; done + 4 <= pixels; done += 4) square_from_block<W>(block + done * W, channels, pixels, planes + done);
  if (done == pixels) return;
  if (pixels >= 4) {
    square_from_block<W>(block + (pixels - 4) * W, channels, pixels, planes + pixels - 4);
    return;
  }
  for (; done < pixels; ++done) {
    for (std::size_t channel = 0; channel < channels; ++channel) planes[channel * pixels + done] = block[done * W + channel];
  }
}

template <int W>
void to_block(const float* planes, std::size_t channels, std::size_t pixels, float* block) noexcept {
  if (channels == W) {
    reorder_to<W>(planes, W, pixels, block);
  } else {
    reorder_to<W>(planes, channels, pixels, block);
  }
}

template <int W>
void from_block(const float* block, std::size_t channels, std::size_t pixels, float* planes) noexcept {
  if (channels == W) {
    reorder_from<W>(block, W, pixels, planes);
  } else {
    reorder_from<W>(block, channels, pixels, planes);
  }
}

template <int W>
constexpr ReorderKernels reorder_kernels_of() {
  return {to_block<W>, from_block<W>};
}

}  // namespace
}  // namespace titrate::kernels
