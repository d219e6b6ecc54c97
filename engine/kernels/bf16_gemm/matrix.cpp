#include "engine/kernels/bf16_gemm/matrix.hpp"

#include <algorithm>
#include <cstring>

#include "engine/base/float16.hpp"
#include "engine/kernels/threads.hpp"

namespace titrate::kernels {
namespace {

constexpr std::size_t of(int size) { return static_cast<std::size_t>(size); }

constexpr std::size_t line_words = 16;
// Rows of a that stay in the second cache while all columns of a task pass by.
constexpr std::size_t left_words = (96 << 10) / sizeof(Bf16Pair);

// Rows a multiple of a kilobyte apart would fight for the same lines of the first cache.
std::size_t row_stride(const Bf16Kernels& kernels, std::size_t depth) {
  const std::size_t pairs = padded_pairs(kernels, depth);
  const std::size_t words = (pairs + line_words - 1) / line_words * line_words;
  return words % 256 == 0 ? words + line_words : words;
}

// How many rows of memory `rows` rows need: tiles read whole multiples of row_padding.
std::size_t rows_with_padding(const Bf16Kernels& kernels, std::size_t rows) { return rows + of(kernels.row_padding) - 1; }

void put(Bf16Pair* pairs, std::size_t stride, std::size_t k, std::uint16_t number) {
  pairs[k / 2 * stride] |= static_cast<Bf16Pair>(number) << (k % 2 * 16);
}

// One product: rows of panels that share blocks of rows, panels of columns that tasks share.
class Multiplication {
 public:
  Multiplication(const Bf16Kernels& kernels, const Bf16Rounding& rounding, const Bf16Product& product, std::byte* scratch)
      : kernels_(kernels),
        rounding_(rounding),
        product_(product),
        stride_(row_stride(kernels, product.b.depth())),
        rows_(reinterpret_cast<Bf16Pair*>(scratch)),
        height_(of(kernels.rows)),
        width_(of(kernels.columns)) {}

  void run() const {
    round_rows();
    const std::size_t panels = (product_.b.columns() + width_ - 1) / width_;
    const std::size_t block = std::max<std::size_t>(1, left_words / (height_ * stride_)) * height_;
    const std::size_t blocks = (product_.a.rows + block - 1) / block;
    // Enough tasks for all threads, and no more: a task reads its rows for each of its panels.
    const std::size_t wanted = 4 * static_cast<std::size_t>(thread_count());
    const std::size_t cuts = std::clamp<std::size_t>(wanted / std::max<std::size_t>(blocks, 1), 1, panels);
    parallel_for(blocks * cuts, [&](std::size_t task, std::size_t) {
      if (kernels_.begin != nullptr) kernels_.begin();
      const std::size_t first = task / cuts * block;
      const std::size_t cut = task % cuts;
      multiply_block(first, std::min(first + block, product_.a.rows), cut * panels / cuts, (cut + 1) * panels / cuts);
      if (kernels_.end != nullptr) kernels_.end();
    });
  }

 private:
  void round_rows() const {
    const MatrixView& a = product_.a;
    // What is behind K and behind the last row meets zeros or is left out, but must not be what memory held before: NaN times 0 is NaN.
    std::fill_n(rows_ + a.rows * stride_, (rows_with_padding(kernels_, a.rows) - a.rows) * stride_, 0U);
    parallel_for(a.rows, [&](std::size_t row, std::size_t) {
      Bf16Pair* target = rows_ + row * stride_;
      const float* source = a.elements + row * a.row_stride;
      if (a.column_stride == 1) {
        if (a.columns % 2 != 0) target[a.columns / 2] = 0;
        rounding_.row(source, reinterpret_cast<std::uint16_t*>(target), a.columns);
        std::fill(target + (a.columns + 1) / 2, target + stride_, 0U);
        return;
      }
      std::fill_n(target, stride_, 0U);
      for (std::size_t k = 0; k < a.columns; ++k) put(target, 1, k, bfloat16_from_float(source[k * a.column_stride]));
    });
  }

  void multiply_block(std::size_t first, std::size_t last, std::size_t first_panel, std::size_t last_panel) const {
    for (std::size_t panel = first_panel; panel < last_panel; ++panel) {
      const std::size_t column = panel * width_;
      const std::size_t count = std::min(width_, product_.b.columns() - column);
      for (std::size_t row = first; row < last; row += height_) multiply_tile(row, std::min(height_, last - row), panel, column, count);
    }
  }

  // Sums are kept apart until they are whole: so tiles may be larger than what is left of c.
  void multiply_tile(std::size_t row, std::size_t rows, std::size_t panel, std::size_t column, std::size_t count) const {
    alignas(64) float sums[of(bf16_most_rows) * of(bf16_most_columns)];
    const std::size_t padding = of(kernels_.row_padding);
    for (std::size_t i = 0; i < (rows + padding - 1) / padding * padding; ++i) {
      std::fill_n(sums + i * width_, width_, 0.0F);
      if (product_.column_start != nullptr) std::copy_n(product_.column_start + column, count, sums + i * width_);
    }
    kernels_.tiles[rows]({.pairs = product_.b.pairs(),
                          .a = rows_ + row * stride_,
                          .a_stride = stride_,
                          .b = product_.b.panel(panel),
                          .c = sums,
                          .c_stride = width_});
    for (std::size_t i = 0; i < rows; ++i) std::copy_n(sums + i * width_, count, product_.c + (row + i) * product_.c_stride + column);
  }

  const Bf16Kernels& kernels_;
  const Bf16Rounding& rounding_;
  const Bf16Product& product_;
  std::size_t stride_;
  Bf16Pair* rows_;
  std::size_t height_, width_;
};

}  // namespace

PackedBf16Columns::PackedBf16Columns(const Bf16Kernels& kernels, const Bf16View& matrix)
    : depth_(matrix.rows), columns_(matrix.columns), pairs_(padded_pairs(kernels, matrix.rows)), width_(of(kernels.columns)) {
  packed_.assign((columns_ + width_ - 1) / width_ * width_ * pairs_, 0U);
  for (std::size_t k = 0; k < depth_; ++k) {
    for (std::size_t column = 0; column < columns_; ++column) {
      put(packed_.data() + column / width_ * width_ * pairs_ + column % width_, width_, k,
          matrix.elements[k * matrix.row_stride + column * matrix.column_stride]);
    }
  }
}

PackedBf16Rows::PackedBf16Rows(const Bf16Kernels& kernels, const Bf16View& matrix) : stride_(row_stride(kernels, matrix.columns)) {
  packed_.assign(rows_with_padding(kernels, matrix.rows) * stride_, 0U);
  for (std::size_t row = 0; row < matrix.rows; ++row) {
    for (std::size_t k = 0; k < matrix.columns; ++k)
      put(packed_.data() + row * stride_, 1, k, matrix.elements[row * matrix.row_stride + k * matrix.column_stride]);
  }
}

std::size_t bf16_product_scratch(const Bf16Kernels& kernels, std::size_t rows, const PackedBf16Columns& b) {
  return rows_with_padding(kernels, rows) * row_stride(kernels, b.depth()) * sizeof(Bf16Pair);
}

void multiply(const Bf16Kernels& kernels, const Bf16Rounding& rounding, const Bf16Product& product, std::byte* scratch) {
  if (product.a.rows == 0 || product.b.columns() == 0) return;
  Multiplication(kernels, rounding, product, scratch).run();
}

}  // namespace titrate::kernels
