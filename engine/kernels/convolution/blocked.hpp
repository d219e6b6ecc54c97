// float32 convolution with outputs in blocks of channels (channel_blocks/layout.hpp): a register holds one pixel of as many filters as it
// has lanes. The image is read as it lies, or padded a few rows at a time; nothing is gathered or turned around.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "engine/base/aligned_memory.hpp"
#include "engine/kernels/activation/epilogue.hpp"
#include "engine/kernels/channel_blocks/convolution/convolution.hpp"
#include "engine/kernels/channel_blocks/layout.hpp"
#include "engine/kernels/convolution/geometry.hpp"

namespace titrate::kernels {

/// Two spatial axes; one group, or of an image in blocks several whose channels and filters are multiples of `lanes`. Depthwise
/// convolutions are not among them (blocked_depthwise.hpp).
[[nodiscard]] bool suits_blocks(const ConvolutionGeometry& geometry, std::size_t lanes, ImageOrder input);

enum class BlockedForm {
  direct,    ///< sums along (channel, tap): the bits of the direct forms on planes
  winograd,  ///< the bits of ConvolutionForm::winograd; only where suits_blocked_winograd() (blocked_winograd.hpp)
};

/// The faster form for sizes that are known; the direct one for others. The batch has no part in it.
[[nodiscard]] BlockedForm preferred_blocked_form(const ConvolutionGeometry& geometry, ImageOrder input);

/// What all convolutions with these filters share.
class BlockedFilters {
 public:
  /// filters [groups * filters, channels, kernel...] as ONNX lays them out, bias of groups * filters floats or null. Of geometry count
  /// groups, filters, channels, kernel, and for the form its sizes. form: without it the preferred one.
  BlockedFilters(Isa isa, const ConvolutionGeometry& geometry, const float* filters, const float* bias, ImageOrder input,
                 std::optional<BlockedForm> form = {});

  [[nodiscard]] Isa isa() const { return isa_; }
  [[nodiscard]] BlockedForm form() const { return form_; }
  [[nodiscard]] const BlockedConvolutionKernels& kernels() const { return kernels_; }
  [[nodiscard]] ImageOrder input() const { return input_; }
  [[nodiscard]] std::size_t lanes() const { return kernels_.lanes; }
  /// Channels that lie side by side in the image.
  [[nodiscard]] std::size_t neighbours() const { return input_ == ImageOrder::blocks ? lanes() : 1; }
  /// Of a group, with those that fill the last block.
  [[nodiscard]] std::size_t channels() const { return channels_; }
  /// Of the filters of a group.
  [[nodiscard]] std::size_t blocks() const { return blocks_; }
  /// The blocks of a group are cut into so many runs of up to blocked_most_blocks, all nearly as long.
  [[nodiscard]] std::size_t runs() const { return (blocks_ + blocked_most_blocks - 1) / blocked_most_blocks; }
  [[nodiscard]] std::size_t run_begin(std::size_t run) const { return run * blocks_ / runs(); }
  /// [channels, taps, blocks of the run * lanes], or of Winograd's form [points, channels, blocks of the run * lanes]
  [[nodiscard]] const float* run(std::size_t group, std::size_t run) const;
  /// Biases, [blocks * lanes].
  [[nodiscard]] const float* start(std::size_t group) const { return start_.data() + group * blocks_ * lanes(); }

 private:
  void pack_group(const ConvolutionGeometry& geometry, std::size_t group, const float* filters);

  Isa isa_;
  const BlockedConvolutionKernels& kernels_;
  ImageOrder input_;
  BlockedForm form_;
  std::size_t channels_;
  std::size_t blocks_;
  std::size_t depth_;  // channels times taps or points
  AlignedFloats packed_;
  AlignedFloats start_;
};

/// Memory that convolve_blocked() needs beside its arguments, in floats.
[[nodiscard]] std::size_t blocked_scratch(const BlockedFilters& filters, const ConvolutionGeometry& geometry);

/// input [batch, groups * channels, rows, columns], or in blocks, to output [batch, blocks, rows, columns, lanes]. Sums run along
/// (channel, tap) as in convolve(), with equal bits. The epilogue is applied to each part of the output as it is finished; its addend is in
/// blocks too.
void convolve_blocked(const BlockedFilters& filters, const ConvolutionGeometry& geometry, const float* input, float* output,
                      std::span<float> scratch, const Epilogue& epilogue = {});

}  // namespace titrate::kernels
