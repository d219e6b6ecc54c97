#include "engine/kernels/max_pool/max_pool.hpp"

namespace titrate::kernels {

const MaxPoolKernels& max_pool_kernels(Isa isa) {
  if (isa >= Isa::avx512 && max_pool_avx512 != nullptr) return *max_pool_avx512;
  if (isa >= Isa::avx2 && max_pool_avx2 != nullptr) return *max_pool_avx2;
  return *max_pool_scalar;
}

}  // namespace titrate::kernels
