#include "engine/kernels/channel_blocks/depthwise/rows.hpp"

namespace titrate::kernels {

extern const BlockedDepthwiseRun blocked_depthwise_scalar = blocked_depthwise<8>;

}  // namespace titrate::kernels
