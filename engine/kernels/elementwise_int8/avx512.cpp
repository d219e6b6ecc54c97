#include "engine/kernels/elementwise_int8/loops.hpp"

namespace titrate::kernels {

#if defined(__AVX512F__) && defined(__AVX512BW__)
extern const ElementwiseInt8Kernels* const elementwise_int8_avx512 = &elementwise_int8_kernels_here;
#else
extern const ElementwiseInt8Kernels* const elementwise_int8_avx512 = nullptr;
#endif

}  // namespace titrate::kernels
