#include "engine/kernels/softmax/columns.hpp"

namespace titrate::kernels {

#if defined(__AVX2__) && defined(__FMA__)
static constexpr SoftmaxKernels kernels = softmax_kernels_of<8>();
extern const SoftmaxKernels* const softmax_avx2 = &kernels;
#else
extern const SoftmaxKernels* const softmax_avx2 = nullptr;
#endif

}  // namespace titrate::kernels
