#include "engine/kernels/minmax/range.hpp"

namespace titrate::kernels {

#if defined(__AVX2__)
extern const MinMax minmax_avx2 = range_of<8>;
extern const GroupMinMax group_minmax_avx2 = ranges_of_groups<8>;
#else
extern const MinMax minmax_avx2 = nullptr;
extern const GroupMinMax group_minmax_avx2 = nullptr;
#endif

}  // namespace titrate::kernels
