// float32 convolution as an implicit matrix product: filters [M, K] times image rows [K, outputs], K = (channel, tap).
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "engine/kernels/activation/epilogue.hpp"
#include "engine/kernels/convolution/geometry.hpp"
#include "engine/kernels/sgemm/sgemm.hpp"

namespace titrate::kernels {

/// What all convolutions with these filters share.
class PackedFilters {
 public:
  /// filters: [groups * filters, channels, kernel...] as ONNX lays them out; only geometry's groups, filters, channels and kernel count.
  PackedFilters(const SgemmKernels& kernels, const ConvolutionGeometry& geometry, const float* filters);
  /// For one group: row panels of [filters, depth].
  [[nodiscard]] const float* group(std::int64_t index) const { return packed_.data() + static_cast<std::size_t>(index) * group_size_; }

 private:
  std::size_t group_size_;
  std::vector<float> packed_;
};

/// Memory that convolve() needs beside its arguments, in floats. Throws Error(invalid) if the image is too large for 32-bit offsets.
[[nodiscard]] std::size_t convolution_scratch(const SgemmKernels& kernels, const ConvolutionGeometry& geometry);

/// input [batch, groups * channels, input...] to output [batch, groups * filters, output...]; bias has groups * filters floats or is null.
/// The epilogue is applied to each part of the output as it is finished.
void convolve(const SgemmKernels& kernels, const ConvolutionGeometry& geometry, const PackedFilters& filters, const float* bias,
              const float* input, float* output, std::span<float> scratch, const Epilogue& epilogue = {});

}  // namespace titrate::kernels
