#include "engine/kernels/minmax/range.hpp"

namespace titrate::kernels {

#if defined(__AVX512F__) && defined(__AVX512BW__)
extern const MinMax minmax_avx512 = range_of<16>;
#else
extern const MinMax minmax_avx512 = nullptr;
#endif

}  // namespace titrate::kernels
