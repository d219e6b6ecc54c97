// The baseline: what the compiler emits without flags.
#include "engine/kernels/nbits_gemm/kernels.hpp"

namespace titrate::kernels {

static constexpr NBitsKernels kernels = nbits_kernels_of<4, 8, 2, 4, 2>();
extern const NBitsKernels* const nbits_scalar = &kernels;

}  // namespace titrate::kernels
