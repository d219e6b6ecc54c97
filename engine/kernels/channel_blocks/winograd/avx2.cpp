#include "engine/kernels/channel_blocks/winograd/transforms.hpp"

namespace titrate::kernels {

#if defined(__AVX2__)
static constexpr BlockedWinogradKernels kernels = blocked_winograd_kernels_of<8>();
extern const BlockedWinogradKernels* const blocked_winograd_avx2 = &kernels;
#else
extern const BlockedWinogradKernels* const blocked_winograd_avx2 = nullptr;
#endif

}  // namespace titrate::kernels
