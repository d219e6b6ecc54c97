// float32 convolution in blocks of channels (channel_blocks/layout.hpp) where every group has one input and one output channel.
#pragma once

#include <cstddef>
#include <span>

#include "engine/base/aligned_memory.hpp"
#include "engine/base/cpu.hpp"
#include "engine/kernels/activation/epilogue.hpp"
#include "engine/kernels/channel_blocks/depthwise.hpp"
#include "engine/kernels/convolution/geometry.hpp"

namespace titrate::kernels {

/// The filters of a convolution with two spatial axes, channels == filters == 1 and any number of groups, in blocks.
class BlockedDepthwiseFilters {
 public:
  /// filters: [groups, 1, 1, kernel...]; bias: [groups], or null: 0. Of the geometry only groups and kernel are read.
  BlockedDepthwiseFilters(Isa isa, const ConvolutionGeometry& geometry, const float* filters, const float* bias);

  [[nodiscard]] std::size_t lanes() const { return lanes_; }
  [[nodiscard]] std::size_t blocks() const { return blocks_; }
  [[nodiscard]] BlockedDepthwiseRun kernel() const { return kernel_; }
  /// As BlockedDepthwise::filter; zeros for channels behind the last one.
  [[nodiscard]] const float* block(std::size_t index) const { return packed_.data() + index * size_; }

 private:
  BlockedDepthwiseRun kernel_;
  std::size_t lanes_;
  std::size_t blocks_;
  std::size_t size_;  // of a block
  AlignedFloats packed_;
};

/// Memory that convolve_blocked_depthwise() needs beside its arguments, in floats.
[[nodiscard]] std::size_t blocked_depthwise_scratch(const BlockedDepthwiseFilters& filters, const ConvolutionGeometry& geometry);

/// input: [batch, blocks, rows, columns, lanes], output likewise, and the addend of the epilogue, which may be the output. Each sum runs
/// as in convolve_depthwise() (depthwise.hpp), with equal bits. Channels behind the last one become activation(0 + addend).
void convolve_blocked_depthwise(const BlockedDepthwiseFilters& filters, const ConvolutionGeometry& geometry, const float* input,
                                float* output, std::span<float> scratch, const Epilogue& epilogue = {});

}  // namespace titrate::kernels
