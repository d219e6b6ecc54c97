// 32 x 32: four of the eight tile registers hold sums, two rows, two columns; 64 products a sum and instruction.
#include "engine/kernels/amx_tiles.hpp"
#include "engine/kernels/igemm/tile_registers.hpp"

namespace titrate::kernels {

#if defined(__AMX_INT8__)
static constexpr IgemmKernels kernels = register_kernels_of<AmxTiles>();
extern const IgemmKernels* const igemm_amx = &kernels;
#else
extern const IgemmKernels* const igemm_amx = nullptr;
#endif

}  // namespace titrate::kernels
