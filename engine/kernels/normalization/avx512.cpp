#include "engine/kernels/normalization/row.hpp"

namespace titrate::kernels {

#if defined(__AVX512F__)
static constexpr NormalizationKernels kernels = normalization_kernels_of<16>();
extern const NormalizationKernels* const normalization_avx512 = &kernels;
#else
extern const NormalizationKernels* const normalization_avx512 = nullptr;
#endif

}  // namespace titrate::kernels
