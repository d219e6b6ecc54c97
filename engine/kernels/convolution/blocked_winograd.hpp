// F(2x2, 3x3) for images in blocks of channels: the points are transformed pixel by pixel, and the products of each point are those of a
// 1x1 convolution whose pixels are tiles.
#pragma once

#include <cstddef>
#include <span>

#include "engine/kernels/convolution/blocked.hpp"

namespace titrate::kernels {

/// 3x3 filters without stride and dilation on an image in blocks.
[[nodiscard]] bool suits_blocked_winograd(const ConvolutionGeometry& geometry, ImageOrder input);

/// As blocked_scratch() and convolve_blocked(), for filters of this form.
[[nodiscard]] std::size_t blocked_winograd_scratch(const BlockedFilters& filters, const ConvolutionGeometry& geometry);
void convolve_blocked_winograd(const BlockedFilters& filters, const ConvolutionGeometry& geometry, const float* input, float* output,
                               std::span<float> scratch, const Epilogue& epilogue);

}  // namespace titrate::kernels
