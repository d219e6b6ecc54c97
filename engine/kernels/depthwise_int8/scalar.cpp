#include "engine/kernels/depthwise_int8/pairs.hpp"

namespace titrate::kernels {

static constexpr DepthwiseInt8Kernels kernels = depthwise_int8_kernels_of<4>();
extern const DepthwiseInt8Kernels* const depthwise_int8_scalar = &kernels;

}  // namespace titrate::kernels
