#include "engine/kernels/channel_blocks/winograd/transforms.hpp"

namespace titrate::kernels {

#if defined(__AVX512F__)
static constexpr BlockedWinogradKernels kernels = blocked_winograd_kernels_of<16>();
extern const BlockedWinogradKernels* const blocked_winograd_avx512 = &kernels;
#else
extern const BlockedWinogradKernels* const blocked_winograd_avx512 = nullptr;
#endif

}  // namespace titrate::kernels
