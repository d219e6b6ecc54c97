#include "engine/kernels/elementwise/elementwise.hpp"

namespace titrate::kernels {

const ElementwiseKernels& elementwise_kernels(Isa isa) {
  if (isa >= Isa::avx512 && elementwise_avx512 != nullptr) return *elementwise_avx512;
  if (isa >= Isa::avx2 && elementwise_avx2 != nullptr) return *elementwise_avx2;
  return *elementwise_scalar;
}

}  // namespace titrate::kernels
