#include "engine/kernels/elementwise/loops.hpp"

namespace titrate::kernels {

#if defined(__AVX2__)
static constexpr ElementwiseKernels kernels = elementwise_kernels_of<8>();
extern const ElementwiseKernels* const elementwise_avx2 = &kernels;
#else
extern const ElementwiseKernels* const elementwise_avx2 = nullptr;
#endif

}  // namespace titrate::kernels
