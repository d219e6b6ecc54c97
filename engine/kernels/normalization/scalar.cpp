#include "engine/kernels/normalization/row.hpp"

namespace titrate::kernels {

static constexpr NormalizationKernels kernels = normalization_kernels_of<4>();
extern const NormalizationKernels* const normalization_scalar = &kernels;

}  // namespace titrate::kernels
