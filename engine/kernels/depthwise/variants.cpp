#include "engine/kernels/depthwise/depthwise.hpp"

namespace titrate::kernels {

DepthwiseKernel depthwise_kernel(Isa isa) {
  if (isa >= Isa::avx512 && depthwise_avx512 != nullptr) return *depthwise_avx512;
  if (isa >= Isa::avx2 && depthwise_avx2 != nullptr) return *depthwise_avx2;
  return *depthwise_scalar;
}

}  // namespace titrate::kernels
