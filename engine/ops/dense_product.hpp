// float32 matrix products outside of graphs, with the kernels that graphs run on.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "engine/base/aligned_memory.hpp"

namespace titrate::engine::ops {

/// A matrix in memory of which element (row, column) is at row * row_stride + column * column_stride.
struct StridedMatrix {
  const float* elements;
  std::size_t rows;
  std::size_t columns;
  std::size_t row_stride;
  std::size_t column_stride;
};

/// The right side of products, packed once.
class PackedRight {
 public:
  explicit PackedRight(const StridedMatrix& matrix);

  [[nodiscard]] std::size_t rows() const { return rows_; }
  [[nodiscard]] std::size_t columns() const { return columns_; }
  [[nodiscard]] std::span<const float> packed() const { return packed_; }

 private:
  std::size_t rows_;
  std::size_t columns_;
  AlignedFloats packed_;
};

/// left [M, K] times right [K, N], row-major [M, N]. `scratch` is grown to what packing needs. Sums run along K in its order, whatever the
/// number of threads; from a parallel region it runs on the calling thread alone.
void multiply(const StridedMatrix& left, const PackedRight& right, std::vector<float>& scratch, std::span<float> product);

}  // namespace titrate::engine::ops
