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
          // A line of the outputs two tiles ahead: short sums end too soon for the next.
          if (pixel * W % 16 == 0) __builtin_prefetch(own + (pixel + 2 * P) * W, 1, 3);
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

// Asks for `floats` of what comes next: once in a step of the channels, not of the taps, for each question is a load too.
[[gnu::always_inline]] inline void ask_for(const float* ahead, std::size_t floats) {
  for (std::size_t line = 0; line < floats; line += 16) __builtin_prefetch(ahead + line, 0, 2);
}

struct SeveralTaps {
  template <int W>
  static std::size_t steps(const BlockedRun& run) {
    return run.channels;
  }
  template <int W, int B, int P>
  [[gnu::always_inline]] static void add(const BlockedRun& run, BlockedSums<W, B, P>& sums, const float* (&pixels)[P], const float* ahead,
                                         std::size_t ahead_step) {
    const float* filters = run.filters;
    const std::size_t* const taps = run.taps;
    const std::size_t tap_count = run.tap_count;
    for (std::size_t channel = 0; channel < run.channels; channel += run.neighbours) {
      for (std::size_t neighbour = 0; neighbour < run.neighbours; ++neighbour, ahead += ahead_step) {
        ask_for(ahead, ahead_step);
#pragma GCC unroll 3
        for (std::size_t tap = 0; tap < tap_count; ++tap, filters += B * W) sums.add(pixels, taps[tap], filters);
        step_pixels(pixels, 1);
      }
      step_pixels(pixels, run.channel_stride - run.neighbours);
    }
  }
};

// One tap of an image in blocks.
struct OneTap {
  template <int W>
  static std::size_t steps(const BlockedRun& run) {
    return run.channels / W;
  }
  template <int W, int B, int P>
  [[gnu::always_inline]] static void add(const BlockedRun& run, BlockedSums<W, B, P>& sums, const float* (&pixels)[P], const float* ahead,
                                         std::size_t ahead_step) {
    const float* filters = run.filters;
    for (std::size_t channel = 0; channel < run.channels; channel += W, ahead += ahead_step, filters += W * B * W) {
      ask_for(ahead, ahead_step);
      // The image two tiles ahead: each block of channels is a stream of its own, more of them than the processor follows by itself.
#pragma GCC unroll 8
      for (int ahead_of = 0; ahead_of < P * W; ahead_of += 16) __builtin_prefetch(pixels[0] + 2 * P * W + ahead_of, 0, 3);
#pragma GCC unroll 16
      for (int lane = 0; lane < W; ++lane) sums.add(pixels, static_cast<std::size_t>(lane), filters + lane * B * W);
      step_pixels(pixels, run.channel_stride);
    }
  }
};

// `count` tiles side by side; `share`: what each of them asks for.
struct TileRow {
  std::size_t first_pixel;
  std::size_t count;
  const float* ahead;
  std::size_t share;
  std::size_t step;  // of the share, in each step of the channels; 0: all of it at the tile's begin
};

template <int W, int B, int P, class Products>
[[gnu::noinline]] void blocked_tiles(const BlockedRun& run, const TileRow& row) noexcept {
  const float* ahead = row.ahead;
  const float* image = run.image + row.first_pixel * run.pixel_stride;
  float* outputs = run.outputs + row.first_pixel * W;
  const float* addend = run.addend == nullptr ? nullptr : run.addend + row.first_pixel * W;
  for (std::size_t tile = 0; tile < row.count; ++tile) {
    if (row.step == 0) ask_for(ahead, row.share);
    BlockedSums<W, B, P> sums;
    sums.begin(run, outputs);
    const float* pixels[P];  // what the first tap reads
#pragma GCC unroll 8
    for (int i = 0; i < P; ++i) pixels[i] = image + static_cast<std::size_t>(i) * run.pixel_stride;
    Products::add(run, sums, pixels, ahead, row.step);
    sums.end(run, outputs, addend);
    image += P * run.pixel_stride;
    outputs += P * W;
    if (addend != nullptr) addend += P * W;
    ahead += row.share;
  }
}

using BlockedTilesFunction = void (*)(const BlockedRun&, const TileRow&) noexcept;

template <int W, int B, int P, class Products>
constexpr void fill_tiles(BlockedTilesFunction* tiles) {
  tiles[P] = blocked_tiles<W, B, P, Products>;
  if constexpr (P > 1) fill_tiles<W, B, P - 1, Products>(tiles);
}

template <int W, int B, int P, class Products>
struct BlockedTiles {
  BlockedTilesFunction of[P + 1] = {};  // [pixels]
  constexpr BlockedTiles() { fill_tiles<W, B, P, Products>(of); }
};

// Tiles of nearly equal width: a narrow one at the end would wait for its own sums.
template <int W, int B, int P, class Products>
void blocked_run(const BlockedRun& run) noexcept {
  static constexpr BlockedTiles<W, B, P, Products> tiles;
  const std::size_t count = (run.pixels + P - 1) / P;
  const std::size_t narrow = run.pixels / count;
  const std::size_t wide = run.pixels - narrow * count;  // so many have a pixel more
  const std::size_t share = run.ahead_floats / count;
  const std::size_t step = share / Products::template steps<W>(run);
  if (wide > 0) tiles.of[narrow + 1](run, {.first_pixel = 0, .count = wide, .ahead = run.ahead, .share = share, .step = step});
  tiles.of[narrow](
      run, {.first_pixel = wide * (narrow + 1), .count = count - wide, .ahead = run.ahead + wide * share, .share = share, .step = step});
}

// R: registers for sums.
template <int W, int R>
constexpr BlockedConvolutionKernels blocked_convolution_kernels_of() {
  constexpr int most = 8;
  constexpr auto pixels = [](int blocks) { return R / blocks < most ? R / blocks : most; };
  return {.lanes = W,
          .several_taps = {nullptr, blocked_run<W, 1, pixels(1), SeveralTaps>, blocked_run<W, 2, pixels(2), SeveralTaps>,
                           blocked_run<W, 3, pixels(3), SeveralTaps>, blocked_run<W, 4, pixels(4), SeveralTaps>},
          .one_tap = {nullptr, blocked_run<W, 1, pixels(1), OneTap>, blocked_run<W, 2, pixels(2), OneTap>,
                      blocked_run<W, 3, pixels(3), OneTap>, blocked_run<W, 4, pixels(4), OneTap>}};
}

}  // namespace
}  // namespace titrate::kernels
