// The baseline: what the compiler emits without flags.
#include "engine/kernels/bf16_round/rows.hpp"

namespace titrate::kernels {

static constexpr Bf16Rounding rounding = bf16_rounding_of<4>();
extern const Bf16Rounding* const bf16_rounding_scalar = &rounding;

}  // namespace titrate::kernels
