#include "engine/kernels/minmax/range.hpp"

namespace titrate::kernels {

#if defined(__AVX2__)
extern const MinMax minmax_avx2 = range_of<8>;
#else
extern const MinMax minmax_avx2 = nullptr;
#endif

}  // namespace titrate::kernels
