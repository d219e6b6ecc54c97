#include "engine/kernels/elementwise/loops.hpp"

namespace titrate::kernels {

static constexpr ElementwiseKernels kernels = elementwise_kernels_of<4>();
extern const ElementwiseKernels* const elementwise_scalar = &kernels;

}  // namespace titrate::kernels
