#include "engine/kernels/channel_blocks/reorder/squares.hpp"

namespace titrate::kernels {

static constexpr ReorderKernels kernels = reorder_kernels_of<8>();
extern const ReorderKernels* const reorder_scalar = &kernels;

}  // namespace titrate::kernels
