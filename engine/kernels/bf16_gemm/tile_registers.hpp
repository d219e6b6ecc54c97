// The tile on two-dimensional registers, for AMX and for its emulation in the tests; see bf16_gemm.hpp for what it computes. Tiles is a
// type of static functions that act on eight registers of 16 rows of 64 bytes:
//   begin(): shapes them so; end(): gives them back
//   load<register>(source, stride), store<register>(target, stride): 16 rows of 64 bytes, stride in bytes
//   dot_bf16<sums, a, b>(): sums[m][n] += sum over k < 32 of bfloat16 a[m][k] * b[k / 2][2n + k % 2]   (TDPBF16PS)
#pragma once

#include "engine/kernels/bf16_gemm/bf16_gemm.hpp"

namespace titrate::kernels {
namespace {

constexpr int bf16_register_rows = 16;
constexpr std::size_t bf16_register_words = 16;  // of a row

// 32 columns and one or two times 16 rows: registers 0 to 3 hold sums, 4 and 5 rows of a, 6 and 7 columns of b.
template <class Tiles, bool two>
void bf16_register_tile(const Bf16Tile& tile) noexcept {
  const std::size_t c_stride = tile.c_stride * sizeof(float);
  const std::size_t a_stride = tile.a_stride * sizeof(Bf16Pair);
  constexpr std::size_t b_stride = 2 * bf16_register_words * sizeof(Bf16Pair);
  float* c = tile.c + bf16_register_rows * tile.c_stride;
  Tiles::template load<0>(tile.c, c_stride);
  Tiles::template load<1>(tile.c + 16, c_stride);
  if constexpr (two) {
    Tiles::template load<2>(c, c_stride);
    Tiles::template load<3>(c + 16, c_stride);
  }
  const Bf16Pair* lower = tile.a + bf16_register_rows * tile.a_stride;
  const Bf16Pair* b = tile.b;
  for (std::size_t pair = 0; pair < tile.pairs; pair += bf16_register_words) {
    Tiles::template load<6>(b, b_stride);
    Tiles::template load<7>(b + bf16_register_words, b_stride);
    Tiles::template load<4>(tile.a + pair, a_stride);
    Tiles::template dot_bf16<0, 4, 6>();
    Tiles::template dot_bf16<1, 4, 7>();
    if constexpr (two) {
      Tiles::template load<5>(lower + pair, a_stride);
      Tiles::template dot_bf16<2, 5, 6>();
      Tiles::template dot_bf16<3, 5, 7>();
    }
    b += bf16_register_rows * 2 * bf16_register_words;
  }
  Tiles::template store<0>(tile.c, c_stride);
  Tiles::template store<1>(tile.c + 16, c_stride);
  if constexpr (two) {
    Tiles::template store<2>(c, c_stride);
    Tiles::template store<3>(c + 16, c_stride);
  }
}

template <class Tiles>
constexpr Bf16Kernels bf16_register_kernels_of() {
  Bf16Kernels kernels{.rows = 2 * bf16_register_rows,
                      .columns = 2 * static_cast<int>(bf16_register_words),
                      .pair_step = static_cast<int>(bf16_register_words),
                      .row_padding = bf16_register_rows,
                      .native = true,
                      .tiles = {},
                      .begin = Tiles::begin,
                      .end = Tiles::end};
  for (int rows = 1; rows <= 2 * bf16_register_rows; ++rows) {
    kernels.tiles[rows] = rows <= bf16_register_rows ? bf16_register_tile<Tiles, false> : bf16_register_tile<Tiles, true>;
  }
  return kernels;
}

}  // namespace
}  // namespace titrate::kernels
