// Products of float32 activations, rounded to bfloat16 on the way, and bfloat16 weights: packing, edges and threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/base/aligned_memory.hpp"
#include "engine/kernels/bf16_gemm/bf16_gemm.hpp"
#include "engine/kernels/bf16_round/bf16_round.hpp"
#include "engine/kernels/sgemm/matrix.hpp"

namespace titrate::kernels {

using AlignedPairs = std::vector<Bf16Pair, AlignedAllocator<Bf16Pair>>;

/// K as tiles read it: pairs, filled up to the variant's step.
[[nodiscard]] inline std::size_t padded_pairs(const Bf16Kernels& kernels, std::size_t depth) {
  const auto step = static_cast<std::size_t>(kernels.pair_step);
  return ((depth + 1) / 2 + step - 1) / step * step;
}

/// bfloat16 numbers in memory, of which element (row, column) is at row * row_stride + column * column_stride.
struct Bf16View {
  const std::uint16_t* elements;
  std::size_t rows;
  std::size_t columns;
  std::size_t row_stride;
  std::size_t column_stride;
};

/// The right matrix [K, N] in panels of kernels.columns columns, the last one and the last pairs filled up with zeros.
class PackedBf16Columns {
 public:
  PackedBf16Columns(const Bf16Kernels& kernels, const Bf16View& matrix);
  [[nodiscard]] std::size_t depth() const { return depth_; }
  [[nodiscard]] std::size_t columns() const { return columns_; }
  [[nodiscard]] std::size_t pairs() const { return pairs_; }
  [[nodiscard]] const Bf16Pair* panel(std::size_t index) const { return packed_.data() + index * pairs_ * width_; }

 private:
  std::size_t depth_, columns_, pairs_, width_;
  AlignedPairs packed_;
};

/// The left matrix [M, K], a row of pairs after the other, with as many rows of zeros behind as tiles may read.
class PackedBf16Rows {
 public:
  PackedBf16Rows(const Bf16Kernels& kernels, const Bf16View& matrix);
  [[nodiscard]] const Bf16Pair* row(std::size_t index) const { return packed_.data() + index * stride_; }
  [[nodiscard]] std::size_t stride() const { return stride_; }

 private:
  std::size_t stride_;  // words
  AlignedPairs packed_;
};

struct Bf16Product {
  MatrixView a;  ///< [M, K]
  const PackedBf16Columns& b;
  float* c;  ///< [M, N]
  std::size_t c_stride;
  const float* column_start;  ///< N floats, the start of every row's sums; null: 0
};

/// Memory that multiply() needs, in bytes; it should begin on 64.
[[nodiscard]] std::size_t bf16_product_scratch(const Bf16Kernels& kernels, std::size_t rows, const PackedBf16Columns& b);
/// C = A * B. Uses threads, unless it is called from a parallel region; every output is the same whatever their number.
void multiply(const Bf16Kernels& kernels, const Bf16Rounding& rounding, const Bf16Product& product, std::byte* scratch);

}  // namespace titrate::kernels
