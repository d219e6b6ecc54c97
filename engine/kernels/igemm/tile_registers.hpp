// The tile on two-dimensional registers, for AMX and for its emulation in the tests; see igemm.hpp for what it computes. Tiles is a type of
// static functions that act on eight registers of 16 rows of 64 bytes:
//   begin(): shapes them so; end(): gives them back
//   load<register>(source, stride), store<register>(target, stride): 16 rows of 64 bytes, stride in bytes
//   dot<sums, a, b>(): sums[m][n] += sum over k < 16, i < 4 of u8 a[m][4k + i] * s8 b[k][4n + i]   (TDPBUSD)
#pragma once

#include "engine/kernels/igemm/igemm.hpp"

namespace titrate::kernels {
namespace {

constexpr int register_rows = 16;
constexpr std::size_t register_bytes = 64;                         // of a row
constexpr std::size_t b_row_bytes = 2 * register_bytes;            // 32 columns, four k each
constexpr std::size_t b_step_bytes = register_rows * b_row_bytes;  // 64 k

// 32 columns and one or two times 16 rows: registers 0 to 3 hold sums, 4 and 5 rows of a, 6 and 7 columns of b.
template <class Tiles, bool two>
void register_tile(const IgemmTile& tile) noexcept {
  // Every row starts from the same values: a stride of 0.
  Tiles::template load<0>(tile.start, 0);
  Tiles::template load<1>(tile.start + 16, 0);
  if constexpr (two) {
    Tiles::template load<2>(tile.start, 0);
    Tiles::template load<3>(tile.start + 16, 0);
  }
  const std::byte* a = tile.a;
  const std::byte* lower = tile.a + register_rows * tile.a_stride;
  const std::int8_t* b = tile.b;
  for (std::size_t k = 0; k < tile.depth; k += register_bytes) {
    Tiles::template load<6>(b, b_row_bytes);
    Tiles::template load<7>(b + register_bytes, b_row_bytes);
    Tiles::template load<4>(a + k, tile.a_stride);
    Tiles::template dot<0, 4, 6>();
    Tiles::template dot<1, 4, 7>();
    if constexpr (two) {
      Tiles::template load<5>(lower + k, tile.a_stride);
      Tiles::template dot<2, 5, 6>();
      Tiles::template dot<3, 5, 7>();
    }
    b += b_step_bytes;
  }
  const std::size_t c_stride = tile.c_stride * sizeof(std::int32_t);
  Tiles::template store<0>(tile.c, c_stride);
  Tiles::template store<1>(tile.c + 16, c_stride);
  if constexpr (two) {
    std::int32_t* c = tile.c + register_rows * tile.c_stride;
    Tiles::template store<2>(c, c_stride);
    Tiles::template store<3>(c + 16, c_stride);
  }
}

template <class Tiles>
constexpr IgemmKernels register_kernels_of() {
  IgemmKernels kernels{.rows = 2 * register_rows,
                       .columns = 32,
                       .interleave = 4,
                       .depth_step = static_cast<int>(register_bytes),
                       .widened = false,
                       .row_padding = register_rows,
                       .tiles = {},
                       .widen = nullptr,
                       .begin = Tiles::begin,
                       .end = Tiles::end};
  for (int rows = 1; rows <= 2 * register_rows; ++rows) {
    kernels.tiles[rows] = rows <= register_rows ? register_tile<Tiles, false> : register_tile<Tiles, true>;
  }
  return kernels;
}

}  // namespace
}  // namespace titrate::kernels
