// float32 matrix products from tiles: packing, edges and threads.
#pragma once

#include <cstddef>

#include "engine/kernels/sgemm/sgemm.hpp"

namespace titrate::kernels {

/// How many k a tile runs at most before the next tile gets the cache: a panel of b (16 columns) then takes 16 KB of the first.
inline constexpr std::size_t sgemm_depth_block = 256;

/// The rows of a matrix cut into panels of nearly equal height, the taller ones first, none taller than a tile.
struct RowPanels {
  std::size_t count;
  RowPanels(const SgemmKernels& kernels, std::size_t rows)
      : count((rows + static_cast<std::size_t>(kernels.rows) - 1) / static_cast<std::size_t>(kernels.rows)),
        least_(count == 0 ? 0 : rows / count),
        taller_(rows - least_ * count) {}
  [[nodiscard]] std::size_t begin(std::size_t panel) const { return panel * least_ + (panel < taller_ ? panel : taller_); }
  [[nodiscard]] std::size_t height(std::size_t panel) const { return least_ + (panel < taller_ ? 1 : 0); }

 private:
  std::size_t least_;
  std::size_t taller_;
};

/// A matrix in memory of which element (row, column) is at row * row_stride + column * column_stride.
struct MatrixView {
  const float* elements;
  std::size_t rows;
  std::size_t columns;
  std::size_t row_stride;
  std::size_t column_stride;
};

/// The left matrix [M, K]: for each panel, K times `height` floats. Takes M * K floats. Uses threads.
void pack_rows(const SgemmKernels& kernels, const MatrixView& matrix, float* packed);

/// The right matrix [K, N]: for each panel of kernels.columns columns, K rows; the last panel is filled up with zeros.
[[nodiscard]] std::size_t packed_columns_size(const SgemmKernels& kernels, std::size_t depth, std::size_t columns);
void pack_columns(const SgemmKernels& kernels, const MatrixView& matrix, float* packed);

struct Product {
  std::size_t rows;     ///< M
  std::size_t columns;  ///< N
  std::size_t depth;    ///< K
  const float* a;       ///< from pack_rows
  const float* b;       ///< from pack_columns
  float* c;             ///< [M, N]
  std::size_t c_stride;
  bool accumulate = false;              ///< start from what c holds, else from column_start
  const float* column_start = nullptr;  ///< N floats, the start of every row's sums; null: 0
  const float* bounds = nullptr;        ///< two: sums are brought between them when they are finished (SgemmTile::bounds); or null
};

/// C = A * B, or C += A * B. Uses threads, unless it is called from a parallel region.
void multiply(const SgemmKernels& kernels, const Product& product);

}  // namespace titrate::kernels
