#include "engine/kernels/channel_blocks/convolution/tile.hpp"

namespace titrate::kernels {

#if defined(__AVX512F__)
static constexpr BlockedConvolutionKernels kernels = blocked_convolution_kernels_of<16, 24>();
extern const BlockedConvolutionKernels* const blocked_convolution_avx512 = &kernels;
#else
extern const BlockedConvolutionKernels* const blocked_convolution_avx512 = nullptr;
#endif

}  // namespace titrate::kernels
