// The microkernel of convolutions whose outputs are in blocks of channels: a register holds one pixel of as many filters as it has lanes,
// a tile a few pixels of up to four such blocks, while channels and taps run by.
#pragma once

#include <cstddef>

#include "engine/base/cpu.hpp"

namespace titrate::kernels {

inline constexpr std::size_t blocked_most_blocks = 4;

/// A run of neighbouring outputs of one row. W is the lanes of a block, B the number of blocks, fixed by the function that is called.
struct BlockedRun {
  const float* image;          ///< what the first tap of the first output reads, of the first channel
  std::size_t channels;        ///< a multiple of `neighbours`
  std::size_t neighbours;      ///< channels that are neighbours in memory: W of an image in blocks, 1 of one in planes
  std::size_t channel_stride;  ///< from one group of neighbours to the next, in floats, as all that follows
  const std::size_t* taps;     ///< where each tap reads, from the first one on
  std::size_t tap_count;
  std::size_t pixel_stride;  ///< from output to output
  const float* filters;      ///< [channels, taps, B * W]
  float* outputs;            ///< pixel p of block b at outputs[b * block_stride + p * W]
  std::size_t block_stride;
  std::size_t pixels;
  const float* start;             ///< B * W start values; null: begin with what outputs hold
  const float* addend = nullptr;  ///< like outputs, added to the finished sums; or null
  const float* bounds = nullptr;  ///< two: what is stored is min(max(sum, bounds[0]), bounds[1]), NaN stays NaN; or null
  const float* ahead = nullptr;   ///< what is read after this run: the tiles ask for it while they work; or null
  std::size_t ahead_floats = 0;
};

/// outputs = start + sum over k = (channel, tap) of image * filters, one product after the other in the order of k: the sums of the forms
/// on planes (sgemm.hpp), bit for bit.
using BlockedRunFunction = void (*)(const BlockedRun&) noexcept;

struct BlockedConvolutionKernels {
  std::size_t lanes;
  BlockedRunFunction several_taps[blocked_most_blocks + 1];  ///< [B]
  BlockedRunFunction one_tap[blocked_most_blocks + 1];       ///< [B]; the image is in blocks
};

/// Null where the build has no such instruction set.
extern const BlockedConvolutionKernels* const blocked_convolution_scalar;
extern const BlockedConvolutionKernels* const blocked_convolution_avx2;
extern const BlockedConvolutionKernels* const blocked_convolution_avx512;

[[nodiscard]] const BlockedConvolutionKernels& blocked_convolution_kernels(Isa isa);

}  // namespace titrate::kernels
