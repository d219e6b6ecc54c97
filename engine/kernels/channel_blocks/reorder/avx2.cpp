#include "engine/kernels/channel_blocks/reorder/squares.hpp"

namespace titrate::kernels {

#if defined(__AVX2__)
static constexpr ReorderKernels kernels = reorder_kernels_of<8>();
extern const ReorderKernels* const reorder_avx2 = &kernels;
#else
extern const ReorderKernels* const reorder_avx2 = nullptr;
#endif

}  // namespace titrate::kernels
