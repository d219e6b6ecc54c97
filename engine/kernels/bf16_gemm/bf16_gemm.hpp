// The bfloat16 matrix microkernel: pairs of bfloat16 numbers along K multiplied, sums in float32.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/base/cpu.hpp"

namespace titrate::kernels {

/// Two neighbours along K in one word: the even k in the low half. That is what VDPBF16PS and TDPBF16PS multiply.
using Bf16Pair = std::uint32_t;

/// What one call of a tile works on. R rows, N columns; N is the same for all tiles of a variant.
struct Bf16Tile {
  std::size_t pairs;     ///< K / 2 rounded up to a multiple of the variant's pair_step
  const Bf16Pair* a;     ///< R rows of `pairs` words
  std::size_t a_stride;  ///< words from row to row
  const Bf16Pair* b;     ///< [pairs][N]
  float* c;              ///< R rows of N sums, which hold what the sums start from
  std::size_t c_stride;  ///< floats from row to row
};

/// c[i][j] += sum over k of a[i][k] * b[k][j]. A product of two bfloat16 numbers is exact in float32 unless it is subnormal there.
///   scalar, avx2: summed in the order of k, one product after the other, rounded to nearest even: equal bits, and those of sgemm's tiles
///   on
///     the same numbers in float32 (but for subnormal products, which scalar rounds once more).
///   avx512bf16 (VDPBF16PS): of each pair first the odd k is added, then the even one, each with one rounding.
///   amx (TDPBF16PS): 16 pairs at a time; their even and their odd products are summed apart, the two sums added, and then to c.
/// The latter two take subnormal numbers as zero and give zero for subnormal results, whatever MXCSR says (Intel's manual, volume 2: DAZ
/// and FTZ, rounding to nearest even). So they agree with the former within the error of a sum in another order, and within 2^-126 for each
/// step, not in bits.
using Bf16Run = void (*)(const Bf16Tile&) noexcept;

inline constexpr int bf16_most_rows = 32;
inline constexpr int bf16_most_columns = 32;

struct Bf16Kernels {
  int rows;                           ///< the tallest tile; 1..rows exist
  int columns;                        ///< N
  int pair_step;                      ///< K is filled up with zeros to a multiple of this many pairs
  int row_padding;                    ///< tiles read and write whole multiples of this many rows
  bool native;                        ///< multiplies bfloat16 numbers; else they are widened and multiplied as float32
  Bf16Run tiles[bf16_most_rows + 1];  ///< [R]
  /// Called by a thread before its first and after its last tile; null where nothing is to be done.
  void (*begin)() noexcept;
  void (*end)() noexcept;
};

/// Null where the build has no such instruction set.
extern const Bf16Kernels* const bf16_scalar;
extern const Bf16Kernels* const bf16_avx2;
extern const Bf16Kernels* const bf16_avx512bf16;
extern const Bf16Kernels* const bf16_amx;

/// The kernels for a level: at amx AMX-BF16 and at vnni AVX512-BF16 where this machine has them, else what the levels below have.
[[nodiscard]] const Bf16Kernels& bf16_kernels(Isa isa);

}  // namespace titrate::kernels
