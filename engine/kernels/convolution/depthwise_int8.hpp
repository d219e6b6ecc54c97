// Depthwise convolution of 8-bit codes, channels last, requantized to 8-bit codes: any kernel, stride, dilation and padding, one filter a
// channel. How QLinearConv uses it (groups == channels == filters, x and y [batch, spatial ..., channels]):
//
//   PackedDepthwise packed(geometry, differences, bias, x_zero, multipliers);    // once, where the node is prepared
//   const auto bytes = std::as_writable_bytes(run.scratch.floats(depthwise_int8_scratch(geometry) / sizeof(float)));
//   convolve_depthwise(kernels, geometry, packed, x, y_zero, y, bytes);           // in each run
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/kernels/convolution/geometry.hpp"
#include "engine/kernels/depthwise_int8/depthwise_int8.hpp"

namespace titrate::kernels {

/// Weights, sums to start from and multipliers of a depthwise convolution, laid out for blocks of 16 channels.
class PackedDepthwise {
 public:
  /// geometry.groups channels with one filter each; only its groups and kernel matter here.
  /// differences: weight codes minus their zero points, [channels, taps] in ONNX's order, each in [-255, 255].
  /// bias: one int32 a channel, or empty. x_zero: the zero point of x, which padding stands for.
  /// multipliers: x_scale * w_scale / y_scale in float32, one a channel.
  PackedDepthwise(const ConvolutionGeometry& geometry, std::span<const std::int16_t> differences, std::span<const std::int32_t> bias,
                  std::int32_t x_zero, std::span<const float> multipliers);

  /// A block computes 16 channels from `first` on and stores those that no block before it stored. With fewer than 16 channels in all the
  /// one block has room to spare.
  struct Block {
    std::size_t first;
    std::size_t first_stored;
    std::size_t stored;
  };
  [[nodiscard]] std::size_t blocks() const { return (channels_ + depthwise_block - 1) / depthwise_block; }
  [[nodiscard]] Block block(std::size_t index) const;

  [[nodiscard]] const std::int16_t* weights(std::size_t block) const { return weights_.data() + block * weights_size_; }
  [[nodiscard]] const std::int32_t* start(std::size_t block) const { return start_.data() + block * depthwise_block; }
  [[nodiscard]] const float* multipliers(std::size_t block) const { return multipliers_.data() + block * depthwise_block; }
  [[nodiscard]] std::size_t channels() const { return channels_; }
  [[nodiscard]] std::int32_t x_zero() const { return x_zero_; }

 private:
  std::size_t channels_;
  std::int32_t x_zero_;
  std::size_t weights_size_;  // of a block
  std::vector<std::int16_t> weights_;
  std::vector<std::int32_t> start_;  // bias minus what the zero point of x adds to the sums
  std::vector<float> multipliers_;
};

/// Bytes that convolve_depthwise needs with as many threads as there are now; a multiple of 64.
[[nodiscard]] std::size_t depthwise_int8_scratch(const ConvolutionGeometry& geometry);

/// y = saturate(round_half_to_even(sum * multiplier) + y_zero), x and y channels last. Threads share blocks of channels and image rows;
/// codes do not depend on how many there are. scratch: aligned to 64 bytes.
template <class X, class Y>
void convolve_depthwise(const DepthwiseInt8Kernels& kernels, const ConvolutionGeometry& geometry, const PackedDepthwise& packed, const X* x,
                        std::int32_t y_zero, Y* y, std::span<std::byte> scratch);

}  // namespace titrate::kernels
