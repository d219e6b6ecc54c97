#include "engine/kernels/float8/codes.hpp"

namespace titrate::kernels {

#if defined(__AVX2__)
extern const Float8Kernels* const float8_avx2 = &float8_kernels_here;
#else
extern const Float8Kernels* const float8_avx2 = nullptr;
#endif

}  // namespace titrate::kernels
