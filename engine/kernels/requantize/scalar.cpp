#include "engine/kernels/requantize/row.hpp"

namespace titrate::kernels {

static constexpr RequantizeKernels kernels = {requantize_row<std::uint8_t>, requantize_row<std::int8_t>, rescale_row};
extern const RequantizeKernels* const requantize_scalar = &kernels;

}  // namespace titrate::kernels
