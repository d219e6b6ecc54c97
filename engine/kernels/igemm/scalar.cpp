// The baseline: 4 x 8 tiles of what the compiler emits without flags (SSE2's pmaddwd on x86-64, plain loops elsewhere).
#include "engine/kernels/igemm/tile.hpp"

namespace titrate::kernels {

static constexpr IgemmKernels kernels = igemm_kernels_of<WordPairs<4>, 2, 4>();
extern const IgemmKernels* const igemm_scalar = &kernels;

}  // namespace titrate::kernels
