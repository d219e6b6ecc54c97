#include "engine/kernels/histogram/places.hpp"

namespace titrate::kernels {

extern const FindPlaces find_places_scalar = find_places<4>;

}  // namespace titrate::kernels
