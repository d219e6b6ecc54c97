#include "engine/kernels/softmax/columns.hpp"

namespace titrate::kernels {

#if defined(__AVX512F__) && defined(__AVX512BW__)
static constexpr SoftmaxKernels kernels = softmax_kernels_of<16>();
extern const SoftmaxKernels* const softmax_avx512 = &kernels;
#else
extern const SoftmaxKernels* const softmax_avx512 = nullptr;
#endif

}  // namespace titrate::kernels
