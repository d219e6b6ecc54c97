#include "engine/kernels/requantize/row.hpp"

namespace titrate::kernels {

extern const RequantizeKernels* const requantize_scalar = &requantize_kernels_here;

}  // namespace titrate::kernels
