#include "engine/kernels/histogram/places.hpp"

namespace titrate::kernels {

extern const PlaceKernels place_kernels_scalar = {find_places<4, false>, find_places<4, true>};

}  // namespace titrate::kernels
