#include "engine/kernels/depthwise/row.hpp"

namespace titrate::kernels {

#if defined(__AVX2__) && defined(__FMA__)
static constexpr DepthwiseKernel kernels = depthwise_kernel_of<8>();
extern const DepthwiseKernel* const depthwise_avx2 = &kernels;
#else
extern const DepthwiseKernel* const depthwise_avx2 = nullptr;
#endif

}  // namespace titrate::kernels
