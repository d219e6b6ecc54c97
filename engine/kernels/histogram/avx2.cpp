#include "engine/kernels/histogram/places.hpp"

namespace titrate::kernels {

#if defined(__AVX2__)
extern const PlaceKernels place_kernels_avx2 = {find_places<8, false>, find_places<8, true>};
#else
extern const PlaceKernels place_kernels_avx2 = {nullptr, nullptr};
#endif

}  // namespace titrate::kernels
