#include "engine/quant/weights/input_moments.hpp"

#include <algorithm>
#include <cmath>

#include "engine/ops/dense_product.hpp"

namespace titrate::engine {
namespace {

// Rows whose products are added up in float32 before they go to the double sums: eight digits minus three.
constexpr std::int64_t block_rows = 512;
// Below this many columns packing costs more than it saves.
constexpr std::int64_t small_columns = 24;

void add_small(std::span<double> sums, const float* left, const float* right, std::int64_t rows, std::int64_t columns) {
  for (std::int64_t row = 0; row < rows; ++row) {
    for (std::int64_t i = 0; i < columns; ++i) {
      const auto factor = static_cast<double>(left[row * columns + i]);
      double* target = sums.data() + i * columns;
      for (std::int64_t j = 0; j < columns; ++j) target[j] += factor * static_cast<double>(right[row * columns + j]);
    }
  }
}

}  // namespace

void add_product(std::span<double> sums, std::span<const float> left, std::span<const float> right, std::int64_t columns) {
  const std::int64_t rows = static_cast<std::int64_t>(left.size()) / columns;
  if (columns < small_columns) return add_small(sums, left.data(), right.data(), rows, columns);
  const auto width = static_cast<std::size_t>(columns);
  std::vector<float> scratch;
  std::vector<float> product(width * width);
  for (std::int64_t row = 0; row < rows; row += block_rows) {
    const auto count = static_cast<std::size_t>(std::min(block_rows, rows - row));
    const ops::PackedRight packed(
        {.elements = right.data() + row * columns, .rows = count, .columns = width, .row_stride = width, .column_stride = 1});
    ops::multiply({.elements = left.data() + row * columns, .rows = width, .columns = count, .row_stride = 1, .column_stride = width},
                  packed, scratch, product);
    for (std::size_t index = 0; index < product.size(); ++index) sums[index] += static_cast<double>(product[index]);
  }
}

InputMoments::InputMoments(std::int64_t count)
    : columns(count),
      gram(static_cast<std::size_t>(count * count)),
      sum(static_cast<std::size_t>(count)),
      magnitude(static_cast<std::size_t>(count)) {}

void InputMoments::add(std::span<const float> quantized, std::span<const float> floats) {
  // A row of q that is x so far, then one that is not: the earlier ones count for both.
  if (!floats.empty() && cross.empty()) {
    cross = gram;
    float_gram = gram;
  }
  add_product(gram, quantized, quantized, columns);
  const std::span<const float> own = floats.empty() ? quantized : floats;
  if (!cross.empty()) {
    add_product(cross, quantized, own, columns);
    add_product(float_gram, own, own, columns);
  }
  for (std::size_t index = 0; index < own.size(); ++index) {
    const auto value = static_cast<double>(own[index]);
    sum[index % static_cast<std::size_t>(columns)] += value;
    magnitude[index % static_cast<std::size_t>(columns)] += std::fabs(value);
  }
  rows += static_cast<std::int64_t>(own.size()) / columns;
}

}  // namespace titrate::engine
