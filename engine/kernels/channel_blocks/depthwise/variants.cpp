#include "engine/kernels/channel_blocks/depthwise.hpp"

namespace titrate::kernels {

BlockedDepthwiseRun blocked_depthwise_kernel(Isa isa) {
  if (isa >= Isa::avx512 && blocked_depthwise_avx512 != nullptr) return blocked_depthwise_avx512;
  if (isa >= Isa::avx2 && blocked_depthwise_avx2 != nullptr) return blocked_depthwise_avx2;
  return blocked_depthwise_scalar;
}

}  // namespace titrate::kernels
