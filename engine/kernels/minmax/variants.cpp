#include "engine/kernels/minmax/minmax.hpp"

namespace titrate::kernels {

MinMax minmax_kernel(Isa isa) {
  if (isa >= Isa::avx512 && minmax_avx512 != nullptr) return minmax_avx512;
  if (isa >= Isa::avx2 && minmax_avx2 != nullptr) return minmax_avx2;
  return minmax_scalar;
}

GroupMinMax group_minmax_kernel(Isa isa) {
  if (isa >= Isa::avx512 && group_minmax_avx512 != nullptr) return group_minmax_avx512;
  if (isa >= Isa::avx2 && group_minmax_avx2 != nullptr) return group_minmax_avx2;
  return group_minmax_scalar;
}

}  // namespace titrate::kernels
