// float32 convolution as matrix products: an implicit one, filters [M, K] times image rows [K, outputs], K = (channel, tap), or for 3x3
// filters one for each point of Winograd's minimal filtering.
#pragma once

#include <cstddef>
#include <span>

#include "engine/base/aligned_memory.hpp"
#include "engine/kernels/activation/epilogue.hpp"
#include "engine/kernels/convolution/geometry.hpp"
#include "engine/kernels/convolution/phases.hpp"
#include "engine/kernels/sgemm/sgemm.hpp"

namespace titrate::kernels {

/// The first two differ in which side of the product the outputs of an image are; they sum in the same order and give equal bits. The
/// third rounds differently: its largest error is within twice theirs (tests/engine/kernels/winograd_test.cpp).
enum class ConvolutionForm {
  columns,   ///< filters times image
  rows,      ///< image times filters: where few outputs would leave the last tile of columns half empty
  winograd,  ///< 16 products for four outputs of a 3x3 filter instead of 36; only where suits_winograd() (winograd.hpp)
};

/// The fastest form; geometry must be complete. The batch has no part in it.
[[nodiscard]] ConvolutionForm preferred_form(const SgemmKernels& kernels, const ConvolutionGeometry& geometry);

/// What all convolutions with these filters share.
class PackedFilters {
 public:
  /// filters: [groups * filters, channels, kernel...] as ONNX lays them out; only geometry's groups, filters, channels and kernel count.
  PackedFilters(const SgemmKernels& kernels, const ConvolutionGeometry& geometry, const float* filters, ConvolutionForm form);
  /// For one group: row panels of [filters, depth], column panels of [depth, filters], or row panels of [filters, channels] a point.
  [[nodiscard]] const float* group(std::int64_t index) const { return packed_.data() + static_cast<std::size_t>(index) * group_size_; }
  [[nodiscard]] ConvolutionForm form() const { return form_; }

 private:
  ConvolutionForm form_;
  std::size_t group_size_;
  AlignedFloats packed_;
};

/// How the forms but Winograd's lay out an image of a geometry; the batch has no part in it.
[[nodiscard]] PhaseLayout convolution_layout(const ConvolutionGeometry& geometry, ConvolutionForm form);

/// Memory that convolve() needs beside its arguments, in floats. Throws Error(invalid) if the image is too large for 32-bit offsets.
/// layout: convolution_layout(), if it is there already.
[[nodiscard]] std::size_t convolution_scratch(const SgemmKernels& kernels, const ConvolutionGeometry& geometry, ConvolutionForm form,
                                              const PhaseLayout* layout = nullptr);

/// input [batch, groups * channels, input...] to output [batch, groups * filters, output...]; bias has groups * filters floats or is null.
/// The epilogue is applied to each part of the output as it is finished. layout: as above.
void convolve(const SgemmKernels& kernels, const ConvolutionGeometry& geometry, const PackedFilters& filters, const float* bias,
              const float* input, float* output, std::span<float> scratch, const Epilogue& epilogue = {},
              const PhaseLayout* layout = nullptr);

}  // namespace titrate::kernels
