#include "engine/kernels/winograd/transforms.hpp"

namespace titrate::kernels {

#if defined(__AVX2__)
static constexpr WinogradKernels kernels = winograd_kernels_of<8>();
extern const WinogradKernels* const winograd_avx2 = &kernels;
#else
extern const WinogradKernels* const winograd_avx2 = nullptr;
#endif

}  // namespace titrate::kernels
