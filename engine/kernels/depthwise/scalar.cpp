#include "engine/kernels/depthwise/row.hpp"

namespace titrate::kernels {

static constexpr DepthwiseKernel kernels = depthwise_kernel_of<4>();
extern const DepthwiseKernel* const depthwise_scalar = &kernels;

}  // namespace titrate::kernels
