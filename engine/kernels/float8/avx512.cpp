#include "engine/kernels/float8/codes.hpp"

namespace titrate::kernels {

#if defined(__AVX512F__)
static constexpr Float8Kernels kernels = float8_kernels_of<16>();
extern const Float8Kernels* const float8_avx512 = &kernels;
#else
extern const Float8Kernels* const float8_avx512 = nullptr;
#endif

}  // namespace titrate::kernels
