// 6 x 16: twelve of the sixteen registers hold sums, two columns, one a row's pair, one the products.
#include "engine/kernels/igemm/tile.hpp"

namespace titrate::kernels {

#if defined(__AVX2__)
static constexpr IgemmKernels kernels = igemm_kernels_of<WordPairs<8>, 2, 6>();
extern const IgemmKernels* const igemm_avx2 = &kernels;
#else
extern const IgemmKernels* const igemm_avx2 = nullptr;
#endif

}  // namespace titrate::kernels
