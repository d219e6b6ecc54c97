#include "engine/kernels/elementwise_int8/loops.hpp"

namespace titrate::kernels {

#if defined(__AVX2__) && defined(__FMA__)
extern const ElementwiseInt8Kernels* const elementwise_int8_avx2 = &elementwise_int8_kernels_here;
#else
extern const ElementwiseInt8Kernels* const elementwise_int8_avx2 = nullptr;
#endif

}  // namespace titrate::kernels
