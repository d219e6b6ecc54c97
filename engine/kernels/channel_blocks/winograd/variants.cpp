#include "engine/kernels/channel_blocks/winograd/winograd.hpp"

namespace titrate::kernels {

const BlockedWinogradKernels& blocked_winograd_kernels(Isa isa) {
  if (isa >= Isa::avx512 && blocked_winograd_avx512 != nullptr) return *blocked_winograd_avx512;
  if (isa >= Isa::avx2 && blocked_winograd_avx2 != nullptr) return *blocked_winograd_avx2;
  return *blocked_winograd_scalar;
}

}  // namespace titrate::kernels
