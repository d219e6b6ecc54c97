#include "engine/kernels/histogram/places.hpp"

namespace titrate::kernels {

#if defined(__AVX512F__) && defined(__AVX512DQ__)
extern const PlaceKernels place_kernels_avx512 = {find_places<16, false>, find_places<16, true>};
#else
extern const PlaceKernels place_kernels_avx512 = {nullptr, nullptr};
#endif

}  // namespace titrate::kernels
