// Products of float32 rows with weights of 2, 4 or 8 bits that stay packed (the form of com.microsoft.MatMulNBits): the microkernels.
// A weight is (code - zero point) * scale, with one scale and zero point for each block of codes along K of a column.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/base/cpu.hpp"

namespace titrate::kernels {

/// Columns of a panel: as many as the widest tile takes at once (eight registers of AVX2, four of AVX-512).
inline constexpr std::size_t nbits_panel_columns = 64;

/// 64 columns of the weights. Word (g, n) holds the codes k = g * 32/bits ... of column n, the first in the lowest bits. Columns beyond the
/// last one have codes and scales 0.
struct NBitsPanel {
  int bits;                    ///< 2, 4 or 8
  std::size_t depth;           ///< K
  std::size_t block;           ///< codes that share a scale: a multiple of 16
  const std::uint32_t* words;  ///< [ceil(K * bits / 32), 64]
  const float* scales;         ///< [ceil(K / block), 64]
  const float* zero_points;    ///< as scales; null: `zero_point` everywhere
  float zero_point;            ///< an integer
};

/// c[n] += sum over k of a[k] * weight[k][n], one product after the other in the order of k, for all 64 columns: with FMA on avx2 and
/// avx512 (equal bits, and equal to the tiles of sgemm.hpp on the dequantized weights), without on scalar.
using NBitsRow = void (*)(const NBitsPanel&, const float* a, float* c) noexcept;

/// target[k - first][j] = weight[k][column + j] for `count` k from `first` on, a multiple of 16, and 0 <= j < width: the form that the
/// tiles of sgemm.hpp read. `width` is theirs.
using NBitsUnpack = void (*)(const NBitsPanel&, std::size_t first, std::size_t count, std::size_t column, float* target) noexcept;

/// Rows of A as int8: code = round_half_even(a / scale) with scale = largest magnitude / 127, block by block.
struct NBitsRows {
  std::int8_t* codes;  ///< [rows, codes_stride]; 4-bit products want each eight codes in the order 0 2 4 6 1 3 5 7. Filled up with zeros
  float* scales;       ///< [rows, blocks]; NaN where the block holds NaN or infinity
  std::int32_t* sums;  ///< [rows, blocks]: of the codes
  std::size_t stride;  ///< of codes: K rounded up to whole 32
  std::size_t blocks;  ///< ceil(K / block)
};

using NBitsQuantize = void (*)(int bits, const float* a, std::size_t depth, std::size_t block, const NBitsRows& target) noexcept;

struct NBitsTile {
  NBitsPanel panel;
  NBitsRows a;  ///< its first row is the tile's first
  float* c;     ///< [rows, c_stride], 64 columns of it
  std::size_t c_stride;
};

/// c[i][n] += float(sum over k of a code * (code - zero point)) * a scale * scale, block after block in the order of k; the sums are exact
/// int32, product and sum are rounded apart: equal bits on every instruction set. Zero points are integers; 4 and 8 bits.
using NBitsIntegers = void (*)(const NBitsTile&) noexcept;

inline constexpr int nbits_most_rows = 8;

struct NBitsKernels {
  NBitsRow row[3];        ///< by nbits_index(): 2, 4, 8 bits
  NBitsUnpack unpack[3];  ///< for tiles of `unpack_columns`
  std::size_t unpack_columns;
  NBitsQuantize quantize;                          ///< one row
  int rows;                                        ///< the tallest integer tile; 1..rows exist
  NBitsIntegers integers[3][nbits_most_rows + 1];  ///< [nbits_index()][rows]; none for 2 bits
};

/// 0, 1, 2 for 2, 4, 8 bits.
constexpr std::size_t nbits_index(int bits) { return bits == 2 ? 0 : bits == 4 ? 1 : 2; }

/// Null where the build has no such instruction set.
extern const NBitsKernels* const nbits_scalar;
extern const NBitsKernels* const nbits_avx2;
extern const NBitsKernels* const nbits_avx512;
extern const NBitsKernels* const nbits_vnni;

/// The kernels for a level; the next lower ones where the build lacks it.
[[nodiscard]] const NBitsKernels& nbits_kernels(Isa isa);

}  // namespace titrate::kernels
