// AMX's eight tile registers. For the files of that instruction set only.
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(__AMX_TILE__)

namespace titrate::kernels {
namespace {

// What LDTILECFG reads (Intel's manual, volume 2): all eight registers have 16 rows of 64 bytes.
struct alignas(64) TileConfiguration {
  std::uint8_t palette = 1;
  std::uint8_t start_row = 0;
  std::uint8_t reserved[14] = {};
  std::uint16_t bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};
static_assert(sizeof(TileConfiguration) == 64);
constexpr TileConfiguration configuration;

// The compiler's own intrinsics paste their arguments into the text, so a register cannot be a template parameter; and GCC 12's
// _tile_loadconfig tells the compiler of the first 8 bytes that it reads only, so that the rest may never be written.
struct AmxTiles {
  static void begin() noexcept { asm volatile("ldtilecfg %0" : : "m"(configuration)); }
  static void end() noexcept { asm volatile("tilerelease"); }
  template <int index>
  [[gnu::always_inline]] static void load(const void* source, std::size_t stride) {
    asm volatile("tileloadd (%0,%1,1), %%tmm%c2" : : "r"(source), "r"(stride), "i"(index) : "memory");
  }
  template <int index>
  [[gnu::always_inline]] static void store(void* target, std::size_t stride) {
    asm volatile("tilestored %%tmm%c2, (%0,%1,1)" : : "r"(target), "r"(stride), "i"(index) : "memory");
  }
  /// Bytes, unsigned times signed, into int32.
  template <int sums, int a, int b>
  [[gnu::always_inline]] static void dot() {
    asm volatile("tdpbusd %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(sums), "i"(a), "i"(b));
  }
  /// Pairs of bfloat16 into float32.
  template <int sums, int a, int b>
  [[gnu::always_inline]] static void dot_bf16() {
    asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(sums), "i"(a), "i"(b));
  }
};

}  // namespace
}  // namespace titrate::kernels

#endif
