#include "engine/kernels/softmax/columns.hpp"

namespace titrate::kernels {

static constexpr SoftmaxKernels kernels = softmax_kernels_of<4>();
extern const SoftmaxKernels* const softmax_scalar = &kernels;

}  // namespace titrate::kernels
