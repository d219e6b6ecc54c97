#include "engine/kernels/depthwise/row.hpp"

namespace titrate::kernels {

#if defined(__AVX2__) && defined(__FMA__)
extern const DepthwiseKernel depthwise_avx2 = depthwise_row<8>;
#else
extern const DepthwiseKernel depthwise_avx2 = nullptr;
#endif

}  // namespace titrate::kernels
