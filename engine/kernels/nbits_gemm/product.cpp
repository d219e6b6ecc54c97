#include "engine/kernels/nbits_gemm/product.hpp"

#include <algorithm>

#include "engine/kernels/sgemm/matrix.hpp"
#include "engine/kernels/threads.hpp"

namespace titrate::kernels {
namespace {

// Rows that one task takes: their part of A and of C stays in the second-level cache, and unpacking a panel once for them costs little.
constexpr std::size_t task_rows = 96;
constexpr std::size_t most_width = 32;  // of a tile of floats

// A part of C that a kernel may write in whole panels: C itself, or a copy where the last panel is cut off.
class Target {
 public:
  Target(const NBitsProduct& product, std::size_t first_row, std::size_t row_count, std::size_t column)
      : rows_(row_count),
        width_(std::min(nbits_panel_columns, product.weights.columns() - column)),
        place_(product.c + first_row * product.weights.columns() + column),
        place_stride_(product.weights.columns()) {
    if (width_ == nbits_panel_columns) return;
    for (std::size_t row = 0; row < rows_; ++row) {
      float* target = edge_ + row * nbits_panel_columns;
      std::fill_n(target, nbits_panel_columns, 0.0F);
      std::copy_n(place_ + row * place_stride_, width_, target);
    }
  }
  ~Target() {
    if (width_ == nbits_panel_columns) return;
    for (std::size_t row = 0; row < rows_; ++row) std::copy_n(edge_ + row * nbits_panel_columns, width_, place_ + row * place_stride_);
  }
  Target(const Target&) = delete;
  Target& operator=(const Target&) = delete;

  [[nodiscard]] float* c() { return width_ == nbits_panel_columns ? place_ : edge_; }
  [[nodiscard]] std::size_t stride() const { return width_ == nbits_panel_columns ? place_stride_ : nbits_panel_columns; }
  [[nodiscard]] std::size_t width() const { return width_; }

 private:
  std::size_t rows_, width_;
  float* place_;
  std::size_t place_stride_;
  alignas(64) float edge_[task_rows * nbits_panel_columns];
};

// body(panel, first row, rows) for all panels and all groups of rows, in parallel.
template <class Body>
void for_each_task(const NBitsProduct& product, const Body& body) {
  const std::size_t groups = (product.rows + task_rows - 1) / task_rows;
  parallel_for(product.weights.panels() * groups, [&](std::size_t task, std::size_t) {
    const std::size_t group = task % groups;
    const std::size_t first = group * product.rows / groups;
    body(task / groups, first, (group + 1) * product.rows / groups - first);
  });
}

std::size_t padded_depth(std::size_t depth) { return (depth + 31) / 32 * 32; }

// The rows of A that one task reads, in panels of sgemm.
void pack_task_rows(const SgemmKernels& sgemm, const NBitsProduct& product, float* packed) {
  const std::size_t depth = product.weights.depth();
  const std::size_t groups = (product.rows + task_rows - 1) / task_rows;
  parallel_for(groups, [&](std::size_t group, std::size_t) {
    const std::size_t first = group * product.rows / groups;
    const std::size_t count = (group + 1) * product.rows / groups - first;
    pack_rows(sgemm, {product.a + first * depth, count, depth, depth, 1}, packed + first * depth);
  });
}

// Of K: what is unpacked at once. The words of 128 rows of a panel fill 4 KB for 4 bits, so all columns of them are read while they are
// near.
constexpr std::size_t unpacked_depth = 128;

// All columns of a panel: each stretch of K is unpacked once, a tile's width at a time, and meets all rows.
void multiply_unpacked(const NBitsVariant& variant, const NBitsPanel& panel, std::size_t rows, const float* packed_a, Target& target) {
  alignas(64) float unpacked[unpacked_depth * most_width];
  const RowPanels row_panels(variant.sgemm, rows);
  for (std::size_t k = 0; k < panel.depth; k += unpacked_depth) {
    const std::size_t count = std::min(unpacked_depth, panel.depth - k);
    for (std::size_t column = 0; column < target.width(); column += variant.nbits.unpack_columns) {
      variant.nbits.unpack[nbits_index(panel.bits)](panel, k, count, column, unpacked);
      for (std::size_t index = 0; index < row_panels.count; ++index) {
        const std::size_t row = row_panels.begin(index);
        const std::size_t height = row_panels.height(index);
        variant.sgemm.packed[height]({.depth = count,
                                      .a = packed_a + row * panel.depth + k * height,
                                      .b = unpacked,
                                      .offsets = nullptr,
                                      .c = target.c() + row * target.stride() + column,
                                      .c_stride = target.stride(),
                                      .start = nullptr,
                                      .accumulate = true});
      }
    }
  }
}

}  // namespace

NBitsVariant nbits_variant(Isa isa) { return {nbits_kernels(isa), sgemm_kernels(isa)}; }

std::size_t nbits_float_scratch(std::size_t rows, std::size_t depth) { return rows == 1 ? 0 : rows * depth; }

void multiply_nbits_floats(const NBitsVariant& variant, const NBitsProduct& product, float* scratch) {
  const NBitsWeights& weights = product.weights;
  if (product.rows > 1) pack_task_rows(variant.sgemm, product, scratch);
  for_each_task(product, [&](std::size_t index, std::size_t first, std::size_t rows) {
    const NBitsPanel panel = weights.panel(index);
    Target target(product, first, rows, index * nbits_panel_columns);
    if (product.rows == 1) {
      variant.nbits.row[nbits_index(panel.bits)](panel, product.a, target.c());
      return;
    }
    multiply_unpacked(variant, panel, rows, scratch + first * panel.depth, target);
  });
}

std::size_t nbits_integer_scratch(const NBitsWeights& weights, std::size_t rows) {
  return rows * (padded_depth(weights.depth()) / 4 + 2 * weights.blocks());
}

void multiply_nbits_integers(const NBitsVariant& variant, const NBitsProduct& product, float* scratch) {
  const NBitsWeights& weights = product.weights;
  const std::size_t stride = padded_depth(weights.depth());
  const std::size_t blocks = weights.blocks();
  auto* codes = reinterpret_cast<std::int8_t*>(scratch);
  float* scales = scratch + product.rows * stride / 4;
  auto* sums = reinterpret_cast<std::int32_t*>(scales + product.rows * blocks);
  const auto rows_from = [&](std::size_t row) {
    return NBitsRows{codes + row * stride, scales + row * blocks, sums + row * blocks, stride, blocks};
  };
  parallel_for(product.rows, [&](std::size_t row, std::size_t) {
    variant.nbits.quantize(weights.bits(), product.a + row * weights.depth(), weights.depth(), weights.block(), rows_from(row));
  });
  const auto tallest = static_cast<std::size_t>(variant.nbits.rows);
  for_each_task(product, [&](std::size_t index, std::size_t first, std::size_t rows) {
    const NBitsPanel panel = weights.panel(index);
    Target target(product, first, rows, index * nbits_panel_columns);
    for (std::size_t row = 0; row < rows; row += tallest) {
      const std::size_t height = std::min(tallest, rows - row);
      variant.nbits.integers[nbits_index(panel.bits)][height](
          {panel, rows_from(first + row), target.c() + row * target.stride(), target.stride()});
    }
  });
}

}  // namespace titrate::kernels
