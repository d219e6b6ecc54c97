// Eight of the sixteen registers hold sums: integer tiles are 4 x 16.
#include "engine/kernels/nbits_gemm/kernels.hpp"

namespace titrate::kernels {

#if defined(__AVX2__) && defined(__FMA__)
static constexpr NBitsKernels kernels = nbits_kernels_of<8, 4, 2, 8, 4>();
extern const NBitsKernels* const nbits_avx2 = &kernels;
#else
extern const NBitsKernels* const nbits_avx2 = nullptr;
#endif

}  // namespace titrate::kernels
