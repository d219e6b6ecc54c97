#include "engine/kernels/elementwise_int8/elementwise_int8.hpp"

namespace titrate::kernels {

const ElementwiseInt8Kernels& elementwise_int8_kernels(Isa isa) {
  if (isa >= Isa::avx512 && elementwise_int8_avx512 != nullptr) return *elementwise_int8_avx512;
  if (isa >= Isa::avx2 && elementwise_int8_avx2 != nullptr) return *elementwise_int8_avx2;
  return *elementwise_int8_scalar;
}

}  // namespace titrate::kernels
