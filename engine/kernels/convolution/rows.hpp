// Outputs as the rows of the product: image [outputs, K] times filters [K, M]. For small images, of which the last tile of columns would
// stay half empty.
#pragma once

#include "engine/kernels/convolution/pass.hpp"

namespace titrate::kernels {

/// Memory of one thread, in floats.
[[nodiscard]] std::size_t rows_scratch(const SgemmKernels& kernels, const ConvolutionGeometry& geometry);
/// pass.filters come from pack_columns() of the transposed matrix. Uses threads; each has rows_scratch() floats from scratch on.
void convolve_rows(const ConvolutionPass& pass, float* scratch);

}  // namespace titrate::kernels
