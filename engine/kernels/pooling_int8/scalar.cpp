#include "engine/kernels/pooling_int8/pixels.hpp"

namespace titrate::kernels {

extern const PoolingInt8Kernels* const pooling_int8_scalar = &pooling_int8_kernels_here;

}  // namespace titrate::kernels
