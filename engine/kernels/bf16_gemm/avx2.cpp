// 6 x 16: twelve of the sixteen registers hold sums.
#include "engine/kernels/bf16_gemm/tile.hpp"

namespace titrate::kernels {

#if defined(__AVX2__) && defined(__FMA__)
static constexpr Bf16Kernels kernels = bf16_kernels_of<WidenedPairs<8>, 2, 6>();
extern const Bf16Kernels* const bf16_avx2 = &kernels;
#else
extern const Bf16Kernels* const bf16_avx2 = nullptr;
#endif

}  // namespace titrate::kernels
