#include "engine/kernels/histogram/places.hpp"

namespace titrate::kernels {

#if defined(__AVX2__)
extern const FindPlaces find_places_avx2 = find_places<8>;
#else
extern const FindPlaces find_places_avx2 = nullptr;
#endif

}  // namespace titrate::kernels
