// Sixteen numbers a register.
#include "engine/kernels/bf16_round/rows.hpp"

namespace titrate::kernels {

#if defined(__AVX512F__) && defined(__AVX512BW__)
static constexpr Bf16Rounding rounding = bf16_rounding_of<16>();
extern const Bf16Rounding* const bf16_rounding_avx512 = &rounding;
#else
extern const Bf16Rounding* const bf16_rounding_avx512 = nullptr;
#endif

}  // namespace titrate::kernels
