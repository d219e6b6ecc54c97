#include "engine/kernels/requantize/block.hpp"

namespace titrate::kernels {

#if defined(__AVX2__)
static constexpr RequantizeKernels kernels = {requantize_blocks<std::uint8_t>, requantize_blocks<std::int8_t>, rescale_row};
extern const RequantizeKernels* const requantize_avx2 = &kernels;
#else
extern const RequantizeKernels* const requantize_avx2 = nullptr;
#endif

}  // namespace titrate::kernels
