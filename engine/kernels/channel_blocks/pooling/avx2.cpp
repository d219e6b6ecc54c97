#include "engine/kernels/channel_blocks/pooling/window.hpp"

namespace titrate::kernels {

#if defined(__AVX2__)
static constexpr BlockedPoolKernels kernels = blocked_pool_kernels_of<8>();
extern const BlockedPoolKernels* const blocked_pool_avx2 = &kernels;
#else
extern const BlockedPoolKernels* const blocked_pool_avx2 = nullptr;
#endif

}  // namespace titrate::kernels
