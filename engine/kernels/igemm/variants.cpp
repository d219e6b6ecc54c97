#include "engine/kernels/igemm/igemm.hpp"

namespace titrate::kernels {

const IgemmKernels& igemm_kernels(Isa isa) {
  if (isa >= Isa::amx && igemm_amx != nullptr) return *igemm_amx;
  if (isa >= Isa::vnni && igemm_vnni != nullptr) return *igemm_vnni;
  if (isa >= Isa::avx512 && igemm_avx512 != nullptr) return *igemm_avx512;
  if (isa >= Isa::avx2 && igemm_avx2 != nullptr) return *igemm_avx2;
  return *igemm_scalar;
}

}  // namespace titrate::kernels
