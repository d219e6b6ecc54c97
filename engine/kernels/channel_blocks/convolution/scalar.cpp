// Eight floats are two registers of this level: no convention to pass them matters, since all is inlined.
#pragma GCC diagnostic ignored "-Wpsabi"

#include "engine/kernels/channel_blocks/convolution/tile.hpp"

namespace titrate::kernels {

static constexpr BlockedConvolutionKernels kernels = blocked_convolution_kernels_of<8, 12>();
extern const BlockedConvolutionKernels* const blocked_convolution_scalar = &kernels;

}  // namespace titrate::kernels
