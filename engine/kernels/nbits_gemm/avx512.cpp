// Sixteen of the 32 registers hold sums: integer tiles are 8 x 32.
#include "engine/kernels/nbits_gemm/kernels.hpp"

namespace titrate::kernels {

#if defined(__AVX512BW__)
static constexpr NBitsKernels kernels = nbits_kernels_of<16, 4, 2, 16, 8>();
extern const NBitsKernels* const nbits_avx512 = &kernels;
#else
extern const NBitsKernels* const nbits_avx512 = nullptr;
#endif

}  // namespace titrate::kernels
