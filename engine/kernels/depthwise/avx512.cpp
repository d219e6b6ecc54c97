#include "engine/kernels/depthwise/row.hpp"

namespace titrate::kernels {

#if defined(__AVX512F__)
static constexpr DepthwiseKernel kernels = depthwise_kernel_of<16>();
extern const DepthwiseKernel* const depthwise_avx512 = &kernels;
#else
extern const DepthwiseKernel* const depthwise_avx512 = nullptr;
#endif

}  // namespace titrate::kernels
