// float32 convolution where every group has one input channel.
#pragma once

#include <cstddef>
#include <span>

#include "engine/kernels/activation/epilogue.hpp"
#include "engine/kernels/convolution/geometry.hpp"
#include "engine/kernels/depthwise/depthwise.hpp"

namespace titrate::kernels {

/// Memory that convolve_depthwise() needs beside its arguments, in floats.
[[nodiscard]] std::size_t depthwise_scratch(const DepthwiseKernel& kernel, const ConvolutionGeometry& geometry);

/// Arguments as of convolve() (convolution.hpp), the filters [groups * filters, 1, kernel...] not packed.
void convolve_depthwise(const DepthwiseKernel& kernel, const ConvolutionGeometry& geometry, const float* filters, const float* bias,
                        const float* input, float* output, std::span<float> scratch, const Epilogue& epilogue = {});

}  // namespace titrate::kernels
