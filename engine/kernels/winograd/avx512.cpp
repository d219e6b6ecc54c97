#include "engine/kernels/winograd/transforms.hpp"

namespace titrate::kernels {

#if defined(__AVX512F__)
static constexpr WinogradKernels kernels = winograd_kernels_of<16>();
extern const WinogradKernels* const winograd_avx512 = &kernels;
#else
extern const WinogradKernels* const winograd_avx512 = nullptr;
#endif

}  // namespace titrate::kernels
