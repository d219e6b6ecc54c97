// 14 x 32: 28 of the 32 registers hold sums.
#include "engine/kernels/sgemm/tile.hpp"

namespace titrate::kernels {

#if defined(__AVX512F__)
static constexpr SgemmKernels kernels = sgemm_kernels_of<16, 2, 14>();
extern const SgemmKernels* const sgemm_avx512 = &kernels;
#else
extern const SgemmKernels* const sgemm_avx512 = nullptr;
#endif

}  // namespace titrate::kernels
