#include "engine/kernels/histogram/places.hpp"

namespace titrate::kernels {

#if defined(__AVX512F__) && defined(__AVX512DQ__)
extern const FindPlaces find_places_avx512 = find_places<16>;
#else
extern const FindPlaces find_places_avx512 = nullptr;
#endif

}  // namespace titrate::kernels
