#include "engine/kernels/bf16_round/bf16_round.hpp"

namespace titrate::kernels {

const Bf16Rounding& bf16_rounding(Isa isa) {
  if (isa >= Isa::avx512 && bf16_rounding_avx512 != nullptr) return *bf16_rounding_avx512;
  if (isa >= Isa::avx2 && bf16_rounding_avx2 != nullptr) return *bf16_rounding_avx2;
  return *bf16_rounding_scalar;
}

}  // namespace titrate::kernels
