// Convolution on bfloat16 numbers: filters [M, K] times image [K, outputs], K = (channel, tap), the image rounded while it is gathered,
// sums in float32.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "engine/kernels/activation/epilogue.hpp"
#include "engine/kernels/bf16_gemm/matrix.hpp"
#include "engine/kernels/convolution/geometry.hpp"

namespace titrate::kernels {

/// What multiplies, what rounds, and the float kernels of the same level, which copy the image.
struct Bf16ConvolutionKernels {
  const Bf16Kernels& product;
  const Bf16Rounding& rounding;
  const SgemmKernels& gather;
};

/// What all convolutions with these filters share.
class PackedBf16Filters {
 public:
  /// filters: [groups * filters, channels, kernel...] as ONNX lays them out; only geometry's groups, filters, channels and kernel count.
  PackedBf16Filters(const Bf16Kernels& kernels, const ConvolutionGeometry& geometry, const std::uint16_t* filters);
  [[nodiscard]] const PackedBf16Rows& group(std::size_t index) const { return groups_[index]; }

 private:
  std::vector<PackedBf16Rows> groups_;
};

/// Memory that convolve() needs beside its arguments, in floats. Throws Error(invalid) if the image is too large for 32-bit offsets.
[[nodiscard]] std::size_t bf16_convolution_scratch(const Bf16Kernels& kernels, const ConvolutionGeometry& geometry);

/// input [batch, groups * channels, input...] to output [batch, groups * filters, output...]; bias has groups * filters floats or is null.
/// The epilogue is applied to each part of the output as it is finished.
void convolve(const Bf16ConvolutionKernels& kernels, const ConvolutionGeometry& geometry, const PackedBf16Filters& filters,
              const float* bias, const float* input, float* output, std::span<float> scratch, const Epilogue& epilogue = {});

}  // namespace titrate::kernels
