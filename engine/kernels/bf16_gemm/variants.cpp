#include "engine/kernels/bf16_gemm/bf16_gemm.hpp"

namespace titrate::kernels {

const Bf16Kernels& bf16_kernels(Isa isa) {
  if (isa >= Isa::amx && bf16_amx != nullptr && machine_has(Extension::amx_bf16)) return *bf16_amx;
  if (isa >= Isa::vnni && bf16_avx512bf16 != nullptr && machine_has(Extension::avx512_bf16)) return *bf16_avx512bf16;
  if (isa >= Isa::avx2 && bf16_avx2 != nullptr) return *bf16_avx2;
  return *bf16_scalar;
}

}  // namespace titrate::kernels
