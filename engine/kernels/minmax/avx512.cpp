#include "engine/kernels/minmax/range.hpp"

namespace titrate::kernels {

#if defined(__AVX512F__) && defined(__AVX512BW__)
extern const MinMax minmax_avx512 = range_of<16>;
extern const GroupMinMax group_minmax_avx512 = ranges_of_groups<16>;
#else
extern const MinMax minmax_avx512 = nullptr;
extern const GroupMinMax group_minmax_avx512 = nullptr;
#endif

}  // namespace titrate::kernels
