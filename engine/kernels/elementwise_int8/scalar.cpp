#include "engine/kernels/elementwise_int8/loops.hpp"

namespace titrate::kernels {

extern const ElementwiseInt8Kernels* const elementwise_int8_scalar = &elementwise_int8_kernels_here;

}  // namespace titrate::kernels
