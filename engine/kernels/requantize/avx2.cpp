#include "engine/kernels/requantize/row.hpp"

namespace titrate::kernels {

#if defined(__AVX2__)
extern const RequantizeKernels* const requantize_avx2 = &requantize_kernels_here;
#else
extern const RequantizeKernels* const requantize_avx2 = nullptr;
#endif

}  // namespace titrate::kernels
