#include "engine/kernels/nbits_gemm/nbits_gemm.hpp"

namespace titrate::kernels {

const NBitsKernels& nbits_kernels(Isa isa) {
  if (isa >= Isa::vnni && nbits_vnni != nullptr) return *nbits_vnni;
  if (isa >= Isa::avx512 && nbits_avx512 != nullptr) return *nbits_avx512;
  if (isa >= Isa::avx2 && nbits_avx2 != nullptr) return *nbits_avx2;
  return *nbits_scalar;
}

}  // namespace titrate::kernels
