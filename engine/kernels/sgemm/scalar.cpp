// The baseline: what the compiler emits without flags (SSE2 on x86-64), 4 x 8 tiles, product and sum rounded separately.
#include "engine/kernels/sgemm/tile.hpp"

namespace titrate::kernels {

static constexpr SgemmKernels kernels = sgemm_kernels_of<4, 2, 4>();
extern const SgemmKernels* const sgemm_scalar = &kernels;

}  // namespace titrate::kernels
