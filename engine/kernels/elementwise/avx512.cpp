#include "engine/kernels/elementwise/loops.hpp"

namespace titrate::kernels {

#if defined(__AVX512F__) && defined(__AVX512BW__)
static constexpr ElementwiseKernels kernels = elementwise_kernels_of<16>();
extern const ElementwiseKernels* const elementwise_avx512 = &kernels;
#else
extern const ElementwiseKernels* const elementwise_avx512 = nullptr;
#endif

}  // namespace titrate::kernels
