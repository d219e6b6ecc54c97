#include "engine/kernels/requantize/row.hpp"

namespace titrate::kernels {

#if defined(__AVX512F__) && defined(__AVX512BW__)
extern const RequantizeKernels* const requantize_avx512 = &requantize_kernels_here;
#else
extern const RequantizeKernels* const requantize_avx512 = nullptr;
#endif

}  // namespace titrate::kernels
