// Products of float32 matrices with packed weights: panels, edges, threads.
#pragma once

#include <cstddef>

#include "engine/kernels/nbits_gemm/packed_weights.hpp"
#include "engine/kernels/sgemm/sgemm.hpp"

namespace titrate::kernels {

struct NBitsProduct {
  std::size_t rows;             ///< M
  const float* a;               ///< [M, K]
  const NBitsWeights& weights;  ///< [K, N]
  float* c;                     ///< [M, N]: the products are added to what it holds
};

/// Which kernels work together: tiles of floats take panels as wide as sgemm's.
struct NBitsVariant {
  const NBitsKernels& nbits;
  const SgemmKernels& sgemm;
};
[[nodiscard]] NBitsVariant nbits_variant(Isa isa);

/// In float32: the sums of sgemm.hpp on the dequantized weights, bit for bit. `scratch`: nbits_float_scratch() floats.
[[nodiscard]] std::size_t nbits_float_scratch(std::size_t rows, std::size_t depth);
void multiply_nbits_floats(const NBitsVariant& variant, const NBitsProduct& product, float* scratch);

/// The most codes of a block that int32 sums hold whatever they are: 65536 * 255 * 127 < 2^31.
inline constexpr std::size_t nbits_most_integer_block = 65536;

/// With the rows of A rounded to int8 block by block. Weights of 4 or 8 bits, integer zero points, blocks up to the number above.
/// `scratch`: nbits_integer_scratch() floats.
[[nodiscard]] std::size_t nbits_integer_scratch(const NBitsWeights& weights, std::size_t rows);
void multiply_nbits_integers(const NBitsVariant& variant, const NBitsProduct& product, float* scratch);

}  // namespace titrate::kernels
