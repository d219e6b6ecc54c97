#include "engine/kernels/normalization/normalization.hpp"

namespace titrate::kernels {

const NormalizationKernels& normalization_kernels(Isa isa) {
  if (isa >= Isa::avx512 && normalization_avx512 != nullptr) return *normalization_avx512;
  if (isa >= Isa::avx2 && normalization_avx2 != nullptr) return *normalization_avx2;
  return *normalization_scalar;
}

}  // namespace titrate::kernels
