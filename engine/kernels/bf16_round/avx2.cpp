// Eight numbers a register.
#include "engine/kernels/bf16_round/rows.hpp"

namespace titrate::kernels {

#if defined(__AVX2__)
static constexpr Bf16Rounding rounding = bf16_rounding_of<8>();
extern const Bf16Rounding* const bf16_rounding_avx2 = &rounding;
#else
extern const Bf16Rounding* const bf16_rounding_avx2 = nullptr;
#endif

}  // namespace titrate::kernels
