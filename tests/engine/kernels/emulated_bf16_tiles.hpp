// AMX's tile registers as plain arrays, with the product of bfloat16 pairs.
#pragma once

#include "engine/kernels/bf16_gemm/tile_registers.hpp"
#include "tests/engine/kernels/emulated_tiles.hpp"
#include "tests/engine/kernels/flushing_float.hpp"

namespace titrate::kernels {
namespace {

struct EmulatedBf16Tiles : EmulatedTiles {
  template <int sums, int a, int b>
  static void dot_bf16() {
    for (std::size_t m = 0; m < 16; ++m) {
      FlushedTileRow row;
      std::memcpy(row.sums, registers[sums].rows[m], sizeof(row.sums));
      row.add(reinterpret_cast<const std::uint8_t*>(registers[a].rows[m]), reinterpret_cast<const std::uint8_t*>(registers[b].rows), 16,
              16);
      std::memcpy(registers[sums].rows[m], row.sums, sizeof(row.sums));
    }
  }
};

inline constexpr Bf16Kernels emulated_bf16_amx = bf16_register_kernels_of<EmulatedBf16Tiles>();

}  // namespace
}  // namespace titrate::kernels
