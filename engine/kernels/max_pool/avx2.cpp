#include "engine/kernels/max_pool/plane.hpp"

namespace titrate::kernels {

#if defined(__AVX2__)
static constexpr MaxPoolKernels kernels = max_pool_kernels_of<8>();
extern const MaxPoolKernels* const max_pool_avx2 = &kernels;
#else
extern const MaxPoolKernels* const max_pool_avx2 = nullptr;
#endif

}  // namespace titrate::kernels
