#include "engine/kernels/max_pool/plane.hpp"

namespace titrate::kernels {

static constexpr MaxPoolKernels kernels = max_pool_kernels_of<4>();
extern const MaxPoolKernels* const max_pool_scalar = &kernels;

}  // namespace titrate::kernels
