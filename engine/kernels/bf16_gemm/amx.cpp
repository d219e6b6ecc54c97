// 32 x 32: four of the eight tile registers hold sums, two rows, two columns; 32 products a sum and instruction.
#include "engine/kernels/amx_tiles.hpp"
#include "engine/kernels/bf16_gemm/tile_registers.hpp"

namespace titrate::kernels {

#if defined(__AMX_BF16__)
static constexpr Bf16Kernels kernels = bf16_register_kernels_of<AmxTiles>();
extern const Bf16Kernels* const bf16_amx = &kernels;
#else
extern const Bf16Kernels* const bf16_amx = nullptr;
#endif

}  // namespace titrate::kernels
