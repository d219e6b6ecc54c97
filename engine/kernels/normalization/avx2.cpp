#include "engine/kernels/normalization/row.hpp"

namespace titrate::kernels {

#if defined(__AVX2__)
static constexpr NormalizationKernels kernels = normalization_kernels_of<8>();
extern const NormalizationKernels* const normalization_avx2 = &kernels;
#else
extern const NormalizationKernels* const normalization_avx2 = nullptr;
#endif

}  // namespace titrate::kernels
