#include "engine/kernels/activation/loops.hpp"

namespace titrate::kernels {

extern const ActivationKernel activation_scalar = activate<4>;

}  // namespace titrate::kernels
