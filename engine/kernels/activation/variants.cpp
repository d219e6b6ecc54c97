#include "engine/kernels/activation/activation.hpp"

namespace titrate::kernels {

ActivationKernel activation_kernel(Isa isa) {
  if (isa >= Isa::avx512 && activation_avx512 != nullptr) return activation_avx512;
  if (isa >= Isa::avx2 && activation_avx2 != nullptr) return activation_avx2;
  return activation_scalar;
}

}  // namespace titrate::kernels
