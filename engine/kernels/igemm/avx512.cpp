// 12 x 32: 24 of the 32 registers hold sums.
#include "engine/kernels/igemm/tile.hpp"

namespace titrate::kernels {

#if defined(__AVX512F__) && defined(__AVX512BW__)
static constexpr IgemmKernels kernels = igemm_kernels_of<WordPairs<16>, 2, 12>();
extern const IgemmKernels* const igemm_avx512 = &kernels;
#else
extern const IgemmKernels* const igemm_avx512 = nullptr;
#endif

}  // namespace titrate::kernels
