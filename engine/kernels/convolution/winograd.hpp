// 3x3 filters by Winograd's minimal filtering: for each of sixteen points a product of filters [M, K] and tiles [K, N], K the channels.
#pragma once

#include <span>

#include "engine/kernels/convolution/convolution.hpp"

namespace titrate::kernels {

/// A 3x3 filter, neither strided nor dilated, over a flat image, with enough channels and filters to pay for the transforms.
[[nodiscard]] bool suits_winograd(const ConvolutionGeometry& geometry);

/// For one group: the filters' points, for each point panels of rows [filters, channels]. Takes 16 * filters * channels floats.
void pack_winograd_filters(const SgemmKernels& kernels, const ConvolutionGeometry& geometry, const float* filters, float* packed);

/// As convolution_scratch() and convolve(); the filters are those of all groups, each packed as above.
[[nodiscard]] std::size_t winograd_scratch(const SgemmKernels& kernels, const ConvolutionGeometry& geometry);
void convolve_winograd(const SgemmKernels& kernels, const ConvolutionGeometry& geometry, const PackedFilters& filters, const float* bias,
                       const float* input, float* output, std::span<float> scratch, const Epilogue& epilogue);

}  // namespace titrate::kernels
