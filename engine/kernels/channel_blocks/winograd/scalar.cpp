#include "engine/kernels/channel_blocks/winograd/transforms.hpp"

namespace titrate::kernels {

static constexpr BlockedWinogradKernels kernels = blocked_winograd_kernels_of<8>();
extern const BlockedWinogradKernels* const blocked_winograd_scalar = &kernels;

}  // namespace titrate::kernels
