// Outputs as the columns of the product: filters [M, K] times image [K, outputs]. For images with many outputs.
#pragma once

#include "engine/kernels/convolution/pass.hpp"

namespace titrate::kernels {

/// Memory of one thread, in floats.
[[nodiscard]] std::size_t columns_scratch(const SgemmKernels& kernels, const ConvolutionGeometry& geometry);
/// pass.filters come from pack_rows(). Uses threads; each has columns_scratch() floats from scratch on.
void convolve_columns(const ConvolutionPass& pass, float* scratch);

}  // namespace titrate::kernels
