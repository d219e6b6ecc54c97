// Eight floats are two registers of this level: no convention to pass them matters, since all is inlined.
#pragma GCC diagnostic ignored "-Wpsabi"

#include "engine/kernels/channel_blocks/winograd/transforms.hpp"

namespace titrate::kernels {

static constexpr BlockedWinogradKernels kernels = blocked_winograd_kernels_of<8>();
extern const BlockedWinogradKernels* const blocked_winograd_scalar = &kernels;

}  // namespace titrate::kernels
