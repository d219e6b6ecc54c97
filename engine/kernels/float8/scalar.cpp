#include "engine/kernels/float8/codes.hpp"

namespace titrate::kernels {

extern const Float8Kernels* const float8_scalar = &float8_kernels_here;

}  // namespace titrate::kernels
