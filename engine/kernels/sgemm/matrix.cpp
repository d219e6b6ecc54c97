#include "engine/kernels/sgemm/matrix.hpp"

#include <algorithm>
#include <cstring>

#include "engine/kernels/lanes.hpp"
#include "engine/kernels/threads.hpp"

namespace titrate::kernels {
namespace {

constexpr std::size_t most_width = 32;
constexpr std::size_t most_tile_floats = static_cast<std::size_t>(sgemm_most_rows) * most_width;
constexpr std::size_t cached_rows = 65536;  // floats of the left matrix that one block keeps in the second cache: 256 KB
constexpr std::size_t group_panels = 8;     // panels of columns whose sums (and whose weights) stay there with a part of the depth of it
constexpr std::size_t line = 16;            // floats

// Panels of rows and of columns that one task multiplies.
struct Block {
  std::size_t first_row_panel, last_row_panel;        // one past the last
  std::size_t first_column_panel, last_column_panel;  // one past the last
};

class BlockProduct {
 public:
  BlockProduct(const SgemmKernels& kernels, const Product& product, const RowPanels& panels)
      : kernels_(kernels), product_(product), panels_(panels), width_(static_cast<std::size_t>(kernels.columns)) {}

  void run(const Block& block) const {
    Block whole = block;
    whole.last_column_panel = std::min(block.last_column_panel, product_.columns / width_);
    if (block.last_row_panel - block.first_row_panel == 1) {
      // Nothing of b is used twice: there is nothing to keep in the cache.
      multiply_row_panel(block.first_row_panel, whole.first_column_panel, whole.last_column_panel);
    } else {
      multiply_row_panels(whole);
    }
    if (whole.last_column_panel == block.last_column_panel) return;
    for (std::size_t panel = block.first_row_panel; panel < block.last_row_panel; ++panel)
      multiply_edge(panel, whole.last_column_panel * width_);
  }

 private:
  [[nodiscard]] SgemmTile tile(std::size_t panel, std::size_t column, std::size_t k, std::size_t depth) const {
    const std::size_t row = panels_.begin(panel);
    const bool first = k == 0;
    return {.depth = depth,
            .a = product_.a + row * product_.depth + k * panels_.height(panel),
            .b = product_.b + column * product_.depth + k * width_,
            .offsets = nullptr,
            .c = product_.c + row * product_.c_stride + column,
            .c_stride = product_.c_stride,
            .start = nullptr,
            .accumulate = product_.accumulate || !first,
            .bounds = k + depth == product_.depth ? product_.bounds : nullptr,
            .column_start = product_.column_start == nullptr ? nullptr : product_.column_start + column};
  }

  void multiply_row_panel(std::size_t panel, std::size_t first, std::size_t last) const {
    const std::size_t height = panels_.height(panel);
    std::size_t column = first;
    if (height <= static_cast<std::size_t>(sgemm_most_low_rows)) {
      const auto together = static_cast<std::size_t>(kernels_.panels[height]);
      for (; column + together <= last; column += together) {
        SgemmTile low = tile(panel, column * width_, 0, product_.depth);
        low.panel_stride = width_ * product_.depth;
        kernels_.several[height](low);
      }
    }
    for (; column < last; ++column) {
      SgemmTile next = tile(panel, column * width_, 0, product_.depth);
      next.ahead = next.b + 32 * line;
      next.ahead_step = std::min(width_, line);
      kernels_.packed[height](next);
    }
  }

  // As many panels of rows as the second cache holds meet one panel of columns after the other. Where it does not hold their whole depth,
  // a part of the depth meets a group of panels of columns before the next part comes.
  void multiply_row_panels(const Block& block) const {
    const auto height = static_cast<std::size_t>(kernels_.rows);
    const std::size_t parts = (product_.depth + sgemm_depth_block - 1) / sgemm_depth_block;
    const std::size_t all_rows = (block.last_row_panel - block.first_row_panel) * height;
    const bool fits = all_rows * product_.depth <= cached_rows;
    const std::size_t group = fits ? 1 : group_panels;
    const std::size_t most = std::max<std::size_t>(1, cached_rows / (height * std::min(product_.depth + 1, sgemm_depth_block)));
    const std::size_t row_panels = block.last_row_panel - block.first_row_panel;
    const std::size_t row_blocks = fits ? 1 : (row_panels + most - 1) / most;
    for (std::size_t index = 0; index < row_blocks; ++index) {
      Block part = block;
      part.first_row_panel = block.first_row_panel + index * row_panels / row_blocks;
      part.last_row_panel = block.first_row_panel + (index + 1) * row_panels / row_blocks;
      for (std::size_t column = block.first_column_panel; column < block.last_column_panel; column += group) {
        part.first_column_panel = column;
        part.last_column_panel = std::min(column + group, block.last_column_panel);
        multiply_group(part, std::max<std::size_t>(parts, 1));
      }
    }
  }

  void multiply_group(const Block& group, std::size_t parts) const {
    for (std::size_t part = 0; part < parts; ++part) {
      const std::size_t k = part * product_.depth / parts;
      const std::size_t end = (part + 1) * product_.depth / parts;
      for (std::size_t column = group.first_column_panel; column < group.last_column_panel; ++column) {
        const float* ahead = product_.b + column * width_ * product_.depth + end * width_;  // the next part, or the next panel
        if (column + 1 < group.last_column_panel) {
          ahead = product_.b + (column + 1) * width_ * product_.depth + k * width_;
        } else if (part + 1 < parts) {
          ahead = product_.b + group.first_column_panel * width_ * product_.depth + end * width_;
        }
        multiply_columns(group, column * width_, k, end - k, ahead);
      }
    }
  }

  // Each tile asks for its share of the weights that come next: no pattern tells the processor where they begin.
  void multiply_columns(const Block& rows, std::size_t column, std::size_t k, std::size_t depth, const float* ahead) const {
    const std::size_t tiles = rows.last_row_panel - rows.first_row_panel;
    const std::size_t step = std::min((width_ + tiles - 1) / tiles, line);
    for (std::size_t panel = rows.first_row_panel; panel < rows.last_row_panel; ++panel) {
      SgemmTile next = tile(panel, column, k, depth);
      next.ahead = ahead + (panel - rows.first_row_panel) * depth * step;
      next.ahead_step = step;
      kernels_.packed[panels_.height(panel)](next);
    }
  }

  // The last panel of columns is narrower than a tile: compute in a tile of its own and copy the part that exists. The whole depth at once,
  // so that what c holds is read once.
  void multiply_edge(std::size_t panel, std::size_t column) const {
    const std::size_t present = product_.columns - column;
    alignas(64) float edge[most_tile_floats];
    alignas(64) float start[most_width] = {};
    const std::size_t height = panels_.height(panel);
    SgemmTile narrow = tile(panel, column, 0, product_.depth);
    float* c = narrow.c;
    if (product_.accumulate) {
      std::fill_n(edge, height * width_, 0.0F);
      for (std::size_t i = 0; i < height; ++i) std::copy_n(c + i * product_.c_stride, present, edge + i * width_);
    }
    if (narrow.column_start != nullptr) {
      std::copy_n(narrow.column_start, present, start);
      narrow.column_start = start;
    }
    narrow.c = edge;
    narrow.c_stride = width_;
    kernels_.packed[height](narrow);
    for (std::size_t i = 0; i < height; ++i) std::copy_n(edge + i * width_, present, c + i * product_.c_stride);
  }

  const SgemmKernels& kernels_;
  const Product& product_;
  const RowPanels& panels_;
  std::size_t width_;
};

// Up to four rows of a panel, one element of each after the other: row r's element k to target[k * height + r]. What a register holds too
// much lies where a later k or an earlier row belongs, which are written later; the last k are copied one by one.
void pack_four_rows(const float* source, std::size_t row_stride, std::size_t rows, std::size_t depth, std::size_t height, float* target) {
  const auto row = [&](std::size_t index) { return source + std::min(index, rows - 1) * row_stride; };
  std::size_t k = 0;
  for (; k + 8 <= depth; k += 4) {
    const FloatLanes<4> elements[4] = {load<4>(row(0) + k), load<4>(row(1) + k), load<4>(row(2) + k), load<4>(row(3) + k)};
    const FloatLanes<4> low[2] = {in_turn<4, false>(elements[0], elements[2]), in_turn<4, false>(elements[1], elements[3])};
    const FloatLanes<4> high[2] = {in_turn<4, true>(elements[0], elements[2]), in_turn<4, true>(elements[1], elements[3])};
    store<4>(target + k * height, in_turn<4, false>(low[0], low[1]));
    store<4>(target + (k + 1) * height, in_turn<4, true>(low[0], low[1]));
    store<4>(target + (k + 2) * height, in_turn<4, false>(high[0], high[1]));
    store<4>(target + (k + 3) * height, in_turn<4, true>(high[0], high[1]));
  }
  for (; k < depth; ++k) {
    for (std::size_t index = 0; index < rows; ++index) target[k * height + index] = row(index)[k];
  }
}

void pack_row_panel(const MatrixView& matrix, std::size_t first, std::size_t height, float* target) {
  const float* source = matrix.elements + first * matrix.row_stride;
  const std::size_t depth = matrix.columns;
  if (matrix.column_stride == 1) {
    for (std::size_t begin = (height - 1) / 4 * 4 + 4; begin >= 4; begin -= 4) {
      const std::size_t row = begin - 4;
      pack_four_rows(source + row * matrix.row_stride, matrix.row_stride, std::min<std::size_t>(4, height - row), depth, height,
                     target + row);
    }
  } else if (matrix.row_stride == 1) {
    for (std::size_t k = 0; k < depth; ++k) std::copy_n(source + k * matrix.column_stride, height, target + k * height);
  } else {
    for (std::size_t row = 0; row < height; ++row) {
      const float* elements = source + row * matrix.row_stride;
      for (std::size_t k = 0; k < depth; ++k) target[k * height + row] = elements[k * matrix.column_stride];
    }
  }
}

}  // namespace

void pack_rows(const SgemmKernels& kernels, const MatrixView& matrix, float* packed) {
  const RowPanels panels(kernels, matrix.rows);
  const auto pack = [&](std::size_t panel, std::size_t) {
    pack_row_panel(matrix, panels.begin(panel), panels.height(panel), packed + panels.begin(panel) * matrix.columns);
  };
  constexpr std::size_t worth_sharing = 65536;  // floats
  if (matrix.rows * matrix.columns >= worth_sharing) {
    parallel_for(panels.count, pack);
  } else {
    for (std::size_t panel = 0; panel < panels.count; ++panel) pack(panel, 0);
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
    BlockProduct(kernels, product, panels).run(block);
  });
}

}  // namespace titrate::kernels
