#include "engine/kernels/channel_blocks/reorder.hpp"

namespace titrate::kernels {

const ReorderKernels& reorder_kernels(Isa isa) {
  if (isa >= Isa::avx512 && reorder_avx512 != nullptr) return *reorder_avx512;
  if (isa >= Isa::avx2 && reorder_avx2 != nullptr) return *reorder_avx2;
  return *reorder_scalar;
}

}  // namespace titrate::kernels
