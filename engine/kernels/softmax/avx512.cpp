#include "engine/kernels/softmax/row.hpp"

namespace titrate::kernels {

#if defined(__AVX512F__) && defined(__AVX512BW__)
extern const SoftmaxKernel softmax_avx512 = softmax_row<16>;
#else
extern const SoftmaxKernel softmax_avx512 = nullptr;
#endif

}  // namespace titrate::kernels
