#include "engine/kernels/softmax/row.hpp"

namespace titrate::kernels {

extern const SoftmaxKernel softmax_scalar = softmax_row<4>;

}  // namespace titrate::kernels
