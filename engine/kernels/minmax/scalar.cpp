#include "engine/kernels/minmax/range.hpp"

namespace titrate::kernels {

extern const MinMax minmax_scalar = range_of<4>;
extern const GroupMinMax group_minmax_scalar = ranges_of_groups<4>;

}  // namespace titrate::kernels
