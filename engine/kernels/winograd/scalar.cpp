#include "engine/kernels/winograd/transforms.hpp"

namespace titrate::kernels {

static constexpr WinogradKernels kernels = winograd_kernels_of<4>();
extern const WinogradKernels* const winograd_scalar = &kernels;

}  // namespace titrate::kernels
