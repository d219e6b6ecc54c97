#include "engine/kernels/channel_blocks/depthwise/rows.hpp"

namespace titrate::kernels {

#if defined(__AVX2__) && defined(__FMA__)
extern const BlockedDepthwiseRun blocked_depthwise_avx2 = blocked_depthwise<8>;
#else
extern const BlockedDepthwiseRun blocked_depthwise_avx2 = nullptr;
#endif

}  // namespace titrate::kernels
