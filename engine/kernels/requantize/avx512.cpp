#include "engine/kernels/requantize/block.hpp"

namespace titrate::kernels {

#if defined(__AVX512F__) && defined(__AVX512BW__)
static constexpr RequantizeKernels kernels = {requantize_blocks<std::uint8_t>, requantize_blocks<std::int8_t>, rescale_row};
extern const RequantizeKernels* const requantize_avx512 = &kernels;
#else
extern const RequantizeKernels* const requantize_avx512 = nullptr;
#endif

}  // namespace titrate::kernels
