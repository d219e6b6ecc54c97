#include "engine/kernels/channel_blocks/reorder/squares.hpp"

namespace titrate::kernels {

#if defined(__AVX512F__)
static constexpr ReorderKernels kernels = reorder_kernels_of<16>();
extern const ReorderKernels* const reorder_avx512 = &kernels;
#else
extern const ReorderKernels* const reorder_avx512 = nullptr;
#endif

}  // namespace titrate::kernels
