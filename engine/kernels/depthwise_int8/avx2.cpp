#include "engine/kernels/depthwise_int8/pairs.hpp"

namespace titrate::kernels {

#if defined(__AVX2__)
static constexpr DepthwiseInt8Kernels kernels = depthwise_int8_kernels_of<8>();
extern const DepthwiseInt8Kernels* const depthwise_int8_avx2 = &kernels;
#else
extern const DepthwiseInt8Kernels* const depthwise_int8_avx2 = nullptr;
#endif

}  // namespace titrate::kernels
