#include "engine/kernels/channel_blocks/pooling.hpp"

namespace titrate::kernels {

const BlockedPoolKernels& blocked_pool_kernels(Isa isa) {
  if (isa >= Isa::avx512 && blocked_pool_avx512 != nullptr) return *blocked_pool_avx512;
  if (isa >= Isa::avx2 && blocked_pool_avx2 != nullptr) return *blocked_pool_avx2;
  return *blocked_pool_scalar;
}

}  // namespace titrate::kernels
