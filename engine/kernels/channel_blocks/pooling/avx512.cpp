#include "engine/kernels/channel_blocks/pooling/window.hpp"

namespace titrate::kernels {

#if defined(__AVX512F__)
static constexpr BlockedPoolKernels kernels = blocked_pool_kernels_of<16>();
extern const BlockedPoolKernels* const blocked_pool_avx512 = &kernels;
#else
extern const BlockedPoolKernels* const blocked_pool_avx512 = nullptr;
#endif

}  // namespace titrate::kernels
