#include "engine/kernels/softmax/row.hpp"

namespace titrate::kernels {

#if defined(__AVX2__) && defined(__FMA__)
extern const SoftmaxKernel softmax_avx2 = softmax_row<8>;
#else
extern const SoftmaxKernel softmax_avx2 = nullptr;
#endif

}  // namespace titrate::kernels
