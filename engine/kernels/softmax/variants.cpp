#include "engine/kernels/softmax/softmax.hpp"

namespace titrate::kernels {

const SoftmaxKernels& softmax_kernels(Isa isa) {
  if (isa >= Isa::avx512 && softmax_avx512 != nullptr) return *softmax_avx512;
  if (isa >= Isa::avx2 && softmax_avx2 != nullptr) return *softmax_avx2;
  return *softmax_scalar;
}

}  // namespace titrate::kernels
