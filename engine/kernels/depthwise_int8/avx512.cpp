#include "engine/kernels/depthwise_int8/pairs.hpp"

namespace titrate::kernels {

#if defined(__AVX512F__) && defined(__AVX512BW__)
static constexpr DepthwiseInt8Kernels kernels = depthwise_int8_kernels_of<16>();
extern const DepthwiseInt8Kernels* const depthwise_int8_avx512 = &kernels;
#else
extern const DepthwiseInt8Kernels* const depthwise_int8_avx512 = nullptr;
#endif

}  // namespace titrate::kernels
