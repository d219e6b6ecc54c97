// The 8-bit matrix microkernel: u8 rows of A times s8 columns of B, exact int32 sums.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/base/cpu.hpp"

namespace titrate::kernels {

/// What one call of a tile works on. R rows, N columns; N is the same for all tiles of a variant.
struct IgemmTile {
  std::size_t depth;          ///< K rounded up to a multiple of the variant's depth_step
  const std::byte* a;         ///< R rows in the variant's form (see IgemmKernels::widened)
  std::size_t a_stride;       ///< bytes from row to row
  const std::int8_t* b;       ///< [depth / interleave][N][interleave]: `interleave` neighbours along K lie together
  std::int32_t* c;            ///< R rows of N sums
  std::size_t c_stride;       ///< elements from row to row
  const std::int32_t* start;  ///< N start values, one a column
};

/// c[i][j] = start[j] + sum over k of a[i][k] * b[k][j], modulo 2^32: the same bits for every variant, tile shape and order.
using IgemmRun = void (*)(const IgemmTile&) noexcept;

inline constexpr int igemm_most_rows = 32;

struct IgemmKernels {
  int rows;                             ///< the tallest tile; 1..rows exist
  int columns;                          ///< N
  int interleave;                       ///< of b
  int depth_step;                       ///< K is filled up with zeros in b to a multiple of this
  bool widened;                         ///< a holds int16 (what widen() makes of bytes), else the bytes themselves
  int row_padding;                      ///< tiles read and write whole multiples of this many rows
  IgemmRun tiles[igemm_most_rows + 1];  ///< [R]
  /// int16 of u8, for variants that multiply 16-bit numbers: count is a multiple of 16.
  void (*widen)(const std::uint8_t* codes, std::byte* target, std::size_t count) noexcept;
  /// Called by a thread before its first and after its last tile; null where nothing is to be done.
  void (*begin)() noexcept;
  void (*end)() noexcept;
};

/// Null where the build has no such instruction set.
extern const IgemmKernels* const igemm_scalar;
extern const IgemmKernels* const igemm_avx2;
extern const IgemmKernels* const igemm_avx512;
extern const IgemmKernels* const igemm_vnni;
extern const IgemmKernels* const igemm_amx;

[[nodiscard]] const IgemmKernels& igemm_kernels(Isa isa);

}  // namespace titrate::kernels
