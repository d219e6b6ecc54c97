#include "engine/kernels/pooling_int8/pixels.hpp"

namespace titrate::kernels {

#if defined(__AVX2__) && defined(__FMA__)
extern const PoolingInt8Kernels* const pooling_int8_avx2 = &pooling_int8_kernels_here;
#else
extern const PoolingInt8Kernels* const pooling_int8_avx2 = nullptr;
#endif

}  // namespace titrate::kernels
