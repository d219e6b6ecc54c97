// AMX's tile registers as plain arrays: the drivers and the packing of that variant run on any machine.
#pragma once

#include <cstring>

#include "engine/kernels/igemm/tile_registers.hpp"

namespace titrate::kernels {
namespace {

struct EmulatedTiles {
  struct Register {
    std::byte rows[16][64];
  };
  static inline thread_local Register registers[8];
  static inline thread_local bool configured = false;

  static void begin() noexcept { configured = true; }
  static void end() noexcept { configured = false; }
  template <int index>
  static void load(const void* source, std::size_t stride) {
    if (!configured) std::abort();
    for (std::size_t row = 0; row < 16; ++row)
      std::memcpy(registers[index].rows[row], static_cast<const std::byte*>(source) + row * stride, 64);
  }
  template <int index>
  static void store(void* target, std::size_t stride) {
    for (std::size_t row = 0; row < 16; ++row) std::memcpy(static_cast<std::byte*>(target) + row * stride, registers[index].rows[row], 64);
  }
  template <int sums, int a, int b>
  static void dot() {
    for (std::size_t m = 0; m < 16; ++m) {
      for (std::size_t n = 0; n < 16; ++n) {
        std::uint32_t sum;
        std::memcpy(&sum, registers[sums].rows[m] + 4 * n, sizeof(sum));
        for (std::size_t k = 0; k < 64; ++k) {
          const auto left = std::to_integer<int>(registers[a].rows[m][k]);
          const auto right = static_cast<std::int8_t>(registers[b].rows[k / 4][4 * n + k % 4]);
          sum += static_cast<std::uint32_t>(left * right);
        }
        std::memcpy(registers[sums].rows[m] + 4 * n, &sum, sizeof(sum));
      }
    }
  }
};

inline constexpr IgemmKernels emulated_amx = register_kernels_of<EmulatedTiles>();

}  // namespace
}  // namespace titrate::kernels
