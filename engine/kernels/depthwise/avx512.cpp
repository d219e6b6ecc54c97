#include "engine/kernels/depthwise/row.hpp"

namespace titrate::kernels {

#if defined(__AVX512F__)
extern const DepthwiseKernel depthwise_avx512 = depthwise_row<16>;
#else
extern const DepthwiseKernel depthwise_avx512 = nullptr;
#endif

}  // namespace titrate::kernels
