#include "engine/kernels/float8/codes.hpp"

namespace titrate::kernels {

static constexpr Float8Kernels kernels = float8_kernels_of<4>();
extern const Float8Kernels* const float8_scalar = &kernels;

}  // namespace titrate::kernels
