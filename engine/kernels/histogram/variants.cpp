#include "engine/kernels/histogram/histogram.hpp"

namespace titrate::kernels {

const PlaceKernels& place_kernels(Isa isa) {
  if (isa >= Isa::avx512 && place_kernels_avx512.of_all != nullptr) return place_kernels_avx512;
  if (isa >= Isa::avx2 && place_kernels_avx2.of_all != nullptr) return place_kernels_avx2;
  return place_kernels_scalar;
}

}  // namespace titrate::kernels
