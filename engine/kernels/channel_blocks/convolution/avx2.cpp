#include "engine/kernels/channel_blocks/convolution/tile.hpp"

namespace titrate::kernels {

#if defined(__AVX2__)
static constexpr BlockedConvolutionKernels kernels = blocked_convolution_kernels_of<8, 12>();
extern const BlockedConvolutionKernels* const blocked_convolution_avx2 = &kernels;
#else
extern const BlockedConvolutionKernels* const blocked_convolution_avx2 = nullptr;
#endif

}  // namespace titrate::kernels
