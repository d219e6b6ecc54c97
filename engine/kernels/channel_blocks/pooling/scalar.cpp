#include "engine/kernels/channel_blocks/pooling/window.hpp"

namespace titrate::kernels {

static constexpr BlockedPoolKernels kernels = blocked_pool_kernels_of<8>();
extern const BlockedPoolKernels* const blocked_pool_scalar = &kernels;

}  // namespace titrate::kernels
