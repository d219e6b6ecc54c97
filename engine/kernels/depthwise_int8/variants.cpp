#include "engine/kernels/depthwise_int8/depthwise_int8.hpp"

namespace titrate::kernels {

const DepthwiseInt8Kernels& depthwise_int8_kernels(Isa isa) {
  if (isa >= Isa::avx512 && depthwise_int8_avx512 != nullptr) return *depthwise_int8_avx512;
  if (isa >= Isa::avx2 && depthwise_int8_avx2 != nullptr) return *depthwise_int8_avx2;
  return *depthwise_int8_scalar;
}

}  // namespace titrate::kernels
