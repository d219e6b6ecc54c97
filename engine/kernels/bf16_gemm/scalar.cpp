// The baseline: 4 x 8 tiles of what the compiler emits without flags.
#include "engine/kernels/bf16_gemm/tile.hpp"

namespace titrate::kernels {

static constexpr Bf16Kernels kernels = bf16_kernels_of<WidenedPairs<4>, 2, 4>();
extern const Bf16Kernels* const bf16_scalar = &kernels;

}  // namespace titrate::kernels
