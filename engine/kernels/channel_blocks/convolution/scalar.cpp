#include "engine/kernels/channel_blocks/convolution/tile.hpp"

namespace titrate::kernels {

static constexpr BlockedConvolutionKernels kernels = blocked_convolution_kernels_of<8, 12>();
extern const BlockedConvolutionKernels* const blocked_convolution_scalar = &kernels;

}  // namespace titrate::kernels
