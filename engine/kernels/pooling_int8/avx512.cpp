#include "engine/kernels/pooling_int8/pixels.hpp"

namespace titrate::kernels {

#if defined(__AVX512F__) && defined(__AVX512BW__)
extern const PoolingInt8Kernels* const pooling_int8_avx512 = &pooling_int8_kernels_here;
#else
extern const PoolingInt8Kernels* const pooling_int8_avx512 = nullptr;
#endif

}  // namespace titrate::kernels
