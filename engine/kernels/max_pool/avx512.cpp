#include "engine/kernels/max_pool/plane.hpp"

namespace titrate::kernels {

#if defined(__AVX512F__)
static constexpr MaxPoolKernels kernels = max_pool_kernels_of<16>();
extern const MaxPoolKernels* const max_pool_avx512 = &kernels;
#else
extern const MaxPoolKernels* const max_pool_avx512 = nullptr;
#endif

}  // namespace titrate::kernels
