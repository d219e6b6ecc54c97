#include "engine/kernels/quantize/codes.hpp"

namespace titrate::kernels {

#if defined(__AVX512F__) && defined(__AVX512BW__)

extern const QuantizeKernels* const quantize_avx512 = &quantize_kernels_here;
#else
extern const QuantizeKernels* const quantize_avx512 = nullptr;
#endif

}  // namespace titrate::kernels
