// The tile as a template; see convolution.hpp for what it computes. For the files of an instruction set only.
#pragma once

#include "engine/kernels/channel_blocks/convolution/convolution.hpp"
#include "engine/kernels/lanes.hpp"

namespace titrate::kernels {
namespace {

// P pixels of B blocks: B * P sums, B registers of filters and a broadcast pixel must fit the register file.
template <int W, int B, int P>
struct BlockedSums {
  FloatLanes<W> of[P][B];

  [[gnu::always_inline]] void begin(const BlockedRun& run, const float* outputs) {
#pragma GCC unroll 8
    for (int block = 0; block < B; ++block) {
      const float* own = outputs + static_cast<std::size_t>(block) * run.block_stride;
      if (run.start == nullptr) {
#pragma GCC unroll 8
        for (int pixel = 0; pixel < P; ++pixel) of[pixel][block] = load<W>(own + pixel * W);
      } else {
        const FloatLanes<W> start = load<W>(run.start + block * W);
#pragma GCC unroll 8
        for (int pixel = 0; pixel < P; ++pixel) {
          of[pixel][block] = start;
          __builtin_prefetch(own + (pixel + 2 * P) * W, 1, 3);  // two tiles ahead: short sums end too soon for the next
        }
      }
    }
  }

  // The shorter side of the tile waits in registers, the other passes through one.
  [[gnu::always_inline]] void add(const float* const (&pixels)[P], std::size_t place, const float* filters) {
    if constexpr (P < B) {
      FloatLanes<W> values[P];
#pragma GCC unroll 8
      for (int pixel = 0; pixel < P; ++pixel) values[pixel] = broadcast_from<W>(pixels[pixel] + place);
#pragma GCC unroll 8
      for (int block = 0; block < B; ++block) {
        const FloatLanes<W> weights = load<W>(filters + block * W);
#pragma GCC unroll 8
        for (int pixel = 0; pixel < P; ++pixel) of[pixel][block] = multiply_add<W>(values[pixel], weights, of[pixel][block]);
      }
    } else {
      FloatLanes<W> weights[B];
#pragma GCC unroll 8
      for (int block = 0; block < B; ++block) weights[block] = load<W>(filters + block * W);
#pragma GCC unroll 8
      for (int pixel = 0; pixel < P; ++pixel) {
        const FloatLanes<W> value = broadcast_from<W>(pixels[pixel] + place);
#pragma GCC unroll 8
        for (int block = 0; block < B; ++block) of[pixel][block] = multiply_add<W>(value, weights[block], of[pixel][block]);
      }
    }
  }

  [[gnu::always_inline]] void end(const BlockedRun& run, float* outputs, const float* addend) {
#pragma GCC unroll 8
    for (int block = 0; block < B; ++block) {
      const std::size_t place = static_cast<std::size_t>(block) * run.block_stride;
      if (addend != nullptr) {
#pragma GCC unroll 8
        for (int pixel = 0; pixel < P; ++pixel) of[pixel][block] += load<W>(addend + place + pixel * W);
      }
      if (run.bounds != nullptr) {
        const FloatLanes<W> low = broadcast_from<W>(run.bounds);
        const FloatLanes<W> high = broadcast_from<W>(run.bounds + 1);
#pragma GCC unroll 8
        for (int pixel = 0; pixel < P; ++pixel) of[pixel][block] = at_most<W>(at_least<W>(of[pixel][block], low), high);
      }
#pragma GCC unroll 8
      for (int pixel = 0; pixel < P; ++pixel) store<W>(outputs + place + pixel * W, of[pixel][block]);
    }
  }
};

// Each pixel has a pointer of its own: left alone, GCC makes one of them and as many indices as there are lanes, and keeps them in memory.
template <int P>
[[gnu::always_inline]] inline void step_pixels(const float* (&pixels)[P], std::size_t step) {
#pragma GCC unroll 8
  for (int i = 0; i < P; ++i) {
    pixels[i] += step;
    asm("" : "+r"(pixels[i]));
  }
}

template <int W, int B, int P, bool one_tap>
[[gnu::noinline]] void blocked_tile(const BlockedRun& run, std::size_t pixel, const float* ahead, std::size_t ahead_step) noexcept {
  BlockedSums<W, B, P> sums;
  float* outputs = run.outputs + pixel * W;
  const float* addend = run.addend == nullptr ? nullptr : run.addend + pixel * W;
  sums.begin(run, outputs);
  const float* filters = run.filters;
  const float* pixels[P];  // what the first tap reads
#pragma GCC unroll 8
  for (int i = 0; i < P; ++i) pixels[i] = run.image + (pixel + static_cast<std::size_t>(i)) * run.pixel_stride;
  if constexpr (one_tap) {
    for (std::size_t channel = 0; channel < run.channels; channel += W) {
      // The image two tiles ahead: each block of channels is a stream of its own, more of them than the processor follows by itself.
#pragma GCC unroll 8
      for (int ahead_of = 0; ahead_of < P * W; ahead_of += 16) __builtin_prefetch(pixels[0] + 2 * P * W + ahead_of, 0, 3);
#pragma GCC unroll 16
      for (std::size_t lane = 0; lane < W; ++lane, filters += B * W, ahead += ahead_step) {
        __builtin_prefetch(ahead, 0, 2);
        sums.add(pixels, lane, filters);
      }
      step_pixels(pixels, run.channel_stride);
    }
  } else {
    const std::size_t* const taps = run.taps;
    const std::size_t tap_count = run.tap_count;
    for (std::size_t channel = 0; channel < run.channels; channel += run.neighbours) {
      for (std::size_t neighbour = 0; neighbour < run.neighbours; ++neighbour) {
#pragma GCC unroll 3
        for (std::size_t tap = 0; tap < tap_count; ++tap, filters += B * W, ahead += ahead_step) {
          __builtin_prefetch(ahead, 0, 2);
          sums.add(pixels, taps[tap], filters);
        }
        step_pixels(pixels, 1);
      }
      step_pixels(pixels, run.channel_stride - run.neighbours);
    }
  }
  sums.end(run, outputs, addend);
}

using BlockedTileFunction = void (*)(const BlockedRun&, std::size_t pixel, const float* ahead, std::size_t ahead_step) noexcept;

template <int W, int B, int P, bool one_tap>
constexpr void fill_tiles(BlockedTileFunction* tiles) {
  tiles[P] = blocked_tile<W, B, P, one_tap>;
  if constexpr (P > 1) fill_tiles<W, B, P - 1, one_tap>(tiles);
}

template <int W, int B, int P, bool one_tap>
struct BlockedTiles {
  BlockedTileFunction of[P + 1] = {};  // [pixels]
  constexpr BlockedTiles() { fill_tiles<W, B, P, one_tap>(of); }
};

// Tiles of nearly equal width: a narrow one at the end would wait for its own sums. Each asks for its share of what comes next, in every
// step of the depth, or if that is less than a float a step, at its begin.
template <int W, int B, int P, bool one_tap>
void blocked_run(const BlockedRun& run) noexcept {
  static constexpr BlockedTiles<W, B, P, one_tap> tiles;
  const std::size_t count = (run.pixels + P - 1) / P;
  const std::size_t narrow = run.pixels / count;
  const std::size_t wide = run.pixels - narrow * count;  // so many have a pixel more
  const std::size_t depth = run.channels * run.tap_count;
  const float* ahead = run.ahead != nullptr ? run.ahead : run.filters;
  const std::size_t share = run.ahead_floats / count;
  const std::size_t step = share / depth;
  std::size_t pixel = 0;
  for (std::size_t tile = 0; tile < count; ++tile, ahead += share) {
    for (std::size_t line = 0; step == 0 && line < share; line += 16) __builtin_prefetch(ahead + line, 0, 2);
    const std::size_t width = narrow + (tile < wide ? 1 : 0);
    tiles.of[width](run, pixel, ahead, step);
    pixel += width;
  }
}

// R: registers for sums.
template <int W, int R>
constexpr BlockedConvolutionKernels blocked_convolution_kernels_of() {
  constexpr int most = 8;
  constexpr auto pixels = [](int blocks) { return R / blocks < most ? R / blocks : most; };
  return {.lanes = W,
          .several_taps = {nullptr, blocked_run<W, 1, pixels(1), false>, blocked_run<W, 2, pixels(2), false>,
                           blocked_run<W, 3, pixels(3), false>, blocked_run<W, 4, pixels(4), false>},
          .one_tap = {nullptr, blocked_run<W, 1, pixels(1), true>, blocked_run<W, 2, pixels(2), true>, blocked_run<W, 3, pixels(3), true>,
                      blocked_run<W, 4, pixels(4), true>}};
}

}  // namespace
}  // namespace titrate::kernels
