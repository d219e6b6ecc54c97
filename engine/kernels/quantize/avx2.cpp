#include "engine/kernels/quantize/codes.hpp"

namespace titrate::kernels {

#if defined(__AVX2__)

extern const QuantizeKernels* const quantize_avx2 = &quantize_kernels_here;
#else
extern const QuantizeKernels* const quantize_avx2 = nullptr;
#endif

}  // namespace titrate::kernels
