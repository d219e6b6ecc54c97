#include "engine/kernels/sgemm/matrix.hpp"

#include <algorithm>
#include <cstring>

#include "engine/kernels/threads.hpp"

namespace titrate::kernels {
namespace {

constexpr std::size_t most_tile_floats = static_cast<std::size_t>(sgemm_most_rows) * 32;

// The last panel of columns is narrower than a tile: compute in a tile of its own and copy the part that exists. The whole depth at once,
// so that what c holds is read once.
void multiply_edge(const SgemmKernels& kernels, const Product& product, const RowPanels& panels, std::size_t panel, std::size_t column) {
  const std::size_t width = product.columns - column;
  const auto stride = static_cast<std::size_t>(kernels.columns);
  alignas(64) float edge[most_tile_floats];
  const std::size_t row = panels.begin(panel);
  const std::size_t height = panels.height(panel);
  float* c = product.c + row * product.c_stride + column;
  if (product.accumulate) {
    std::fill_n(edge, height * stride, 0.0F);
    for (std::size_t i = 0; i < height; ++i) std::copy_n(c + i * product.c_stride, width, edge + i * stride);
  }
  kernels.packed[height]({.depth = product.depth,
                          .a = product.a + row * product.depth,
                          .b = product.b + column * product.depth,
                          .offsets = nullptr,
                          .c = edge,
                          .c_stride = stride,
                          .start = nullptr,
                          .accumulate = product.accumulate});
  for (std::size_t i = 0; i < height; ++i) std::copy_n(edge + i * stride, width, c + i * product.c_stride);
}

struct Block {
  std::size_t first_row_panel, last_row_panel;        // one past the last
  std::size_t first_column_panel, last_column_panel;  // one past the last
};

void multiply_block(const SgemmKernels& kernels, const Product& product, const RowPanels& panels, const Block& block) {
  const auto width = static_cast<std::size_t>(kernels.columns);
  const std::size_t full = std::min(block.last_column_panel, product.columns / width);
  // With one panel of rows nothing of b is used twice, so there is nothing to keep in the cache.
  const std::size_t step = block.last_row_panel - block.first_row_panel == 1 ? product.depth : sgemm_depth_block;
  for (std::size_t k = 0; k == 0 || k < product.depth; k += std::max<std::size_t>(step, 1)) {
    const std::size_t depth = std::min(step, product.depth - k);
    for (std::size_t column_panel = block.first_column_panel; column_panel < full; ++column_panel) {
      const std::size_t column = column_panel * width;
      for (std::size_t panel = block.first_row_panel; panel < block.last_row_panel; ++panel) {
        const std::size_t row = panels.begin(panel);
        const std::size_t height = panels.height(panel);
        kernels.packed[height]({.depth = depth,
                                .a = product.a + row * product.depth + k * height,
                                .b = product.b + column * product.depth + k * width,
                                .offsets = nullptr,
                                .c = product.c + row * product.c_stride + column,
                                .c_stride = product.c_stride,
                                .start = nullptr,
                                .accumulate = product.accumulate || k > 0});
      }
    }
  }
  if (full < block.last_column_panel) {
    for (std::size_t panel = block.first_row_panel; panel < block.last_row_panel; ++panel) {
      multiply_edge(kernels, product, panels, panel, full * width);
    }
  }
}

}  // namespace

void pack_rows(const SgemmKernels& kernels, const MatrixView& matrix, float* packed) {
  const RowPanels panels(kernels, matrix.rows);
  for (std::size_t panel = 0; panel < panels.count; ++panel) {
    const std::size_t height = panels.height(panel);
    const float* source = matrix.elements + panels.begin(panel) * matrix.row_stride;
    float* target = packed + panels.begin(panel) * matrix.columns;
    for (std::size_t row = 0; row < height; ++row) {
      const float* elements = source + row * matrix.row_stride;
      for (std::size_t k = 0; k < matrix.columns; ++k) target[k * height + row] = elements[k * matrix.column_stride];
    }
  }
}

std::size_t packed_columns_size(const SgemmKernels& kernels, std::size_t depth, std::size_t columns) {
  const auto width = static_cast<std::size_t>(kernels.columns);
  return (columns + width - 1) / width * width * depth;
}

void pack_columns(const SgemmKernels& kernels, const MatrixView& matrix, float* packed) {
  const auto width = static_cast<std::size_t>(kernels.columns);
  const std::size_t depth = matrix.rows;
  for (std::size_t column = 0; column < matrix.columns; column += width) {
    const std::size_t present = std::min(width, matrix.columns - column);
    float* target = packed + column * depth;
    const float* source = matrix.elements + column * matrix.column_stride;
    if (present < width) std::fill_n(target, width * depth, 0.0F);
    if (matrix.column_stride == 1) {
      for (std::size_t k = 0; k < depth; ++k) std::memcpy(target + k * width, source + k * matrix.row_stride, present * sizeof(float));
    } else {
      for (std::size_t j = 0; j < present; ++j) {
        for (std::size_t k = 0; k < depth; ++k) target[k * width + j] = source[k * matrix.row_stride + j * matrix.column_stride];
      }
    }
  }
}

void multiply(const SgemmKernels& kernels, const Product& product) {
  if (product.rows == 0 || product.columns == 0) return;
  const RowPanels panels(kernels, product.rows);
  const auto width = static_cast<std::size_t>(kernels.columns);
  const std::size_t column_panels = (product.columns + width - 1) / width;
  // One thread works best on one large block; several take smaller ones in turn.
  const auto threads = static_cast<std::size_t>(thread_count());
  const bool by_columns = column_panels >= panels.count;
  const std::size_t tasks = std::min(threads == 1 ? 1 : 4 * threads, by_columns ? column_panels : panels.count);
  parallel_for(tasks, [&](std::size_t task, std::size_t) {
    Block block{0, panels.count, 0, column_panels};
    if (by_columns) {
      block.first_column_panel = task * column_panels / tasks;
      block.last_column_panel = (task + 1) * column_panels / tasks;
    } else {
      block.first_row_panel = task * panels.count / tasks;
      block.last_row_panel = (task + 1) * panels.count / tasks;
    }
    multiply_block(kernels, product, panels, block);
  });
}

}  // namespace titrate::kernels
