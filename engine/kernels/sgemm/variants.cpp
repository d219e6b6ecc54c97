#include "engine/kernels/sgemm/sgemm.hpp"

namespace titrate::kernels {

const SgemmKernels& sgemm_kernels(Isa isa) {
  if (isa >= Isa::avx512 && sgemm_avx512 != nullptr) return *sgemm_avx512;
  if (isa >= Isa::avx2 && sgemm_avx2 != nullptr) return *sgemm_avx2;
  return *sgemm_scalar;
}

}  // namespace titrate::kernels
