#include "engine/kernels/histogram/histogram.hpp"

namespace titrate::kernels {

FindPlaces find_places_kernel(Isa isa) {
  if (isa >= Isa::avx512 && find_places_avx512 != nullptr) return find_places_avx512;
  if (isa >= Isa::avx2 && find_places_avx2 != nullptr) return find_places_avx2;
  return find_places_scalar;
}

}  // namespace titrate::kernels
