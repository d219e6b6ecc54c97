#include "engine/kernels/float8/codes.hpp"

namespace titrate::kernels {

#if defined(__AVX2__)
static constexpr Float8Kernels kernels = float8_kernels_of<8>();
extern const Float8Kernels* const float8_avx2 = &kernels;
#else
extern const Float8Kernels* const float8_avx2 = nullptr;
#endif

}  // namespace titrate::kernels
