#include "engine/kernels/channel_blocks/depthwise/rows.hpp"

namespace titrate::kernels {

#if defined(__AVX512F__)
extern const BlockedDepthwiseRun blocked_depthwise_avx512 = blocked_depthwise<16>;
#else
extern const BlockedDepthwiseRun blocked_depthwise_avx512 = nullptr;
#endif

}  // namespace titrate::kernels
