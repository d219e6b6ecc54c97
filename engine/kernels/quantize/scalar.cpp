#include "engine/kernels/quantize/codes.hpp"

namespace titrate::kernels {

extern const QuantizeKernels* const quantize_scalar = &quantize_kernels_here;

}  // namespace titrate::kernels
