#include "engine/kernels/depthwise/row.hpp"

namespace titrate::kernels {

extern const DepthwiseKernel depthwise_scalar = depthwise_row<4>;

}  // namespace titrate::kernels
