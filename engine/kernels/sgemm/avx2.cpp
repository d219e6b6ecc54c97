// 6 x 16: twelve of the sixteen registers hold sums.
#include "engine/kernels/sgemm/tile.hpp"

namespace titrate::kernels {

#if defined(__AVX2__) && defined(__FMA__)
static constexpr SgemmKernels kernels = sgemm_kernels_of<8, 2, 6>();
extern const SgemmKernels* const sgemm_avx2 = &kernels;
#else
extern const SgemmKernels* const sgemm_avx2 = nullptr;
#endif

}  // namespace titrate::kernels
