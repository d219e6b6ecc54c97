#include "engine/quant/formats/nf4.hpp"

#include <algorithm>

#include "engine/ops/float_arrays.hpp"

namespace titrate::engine {
namespace {

// Halfway between neighbouring levels, in double: exact.
constexpr std::array<double, 15> borders = [] {
  std::array<double, 15> halves{};
  for (std::size_t code = 0; code < halves.size(); ++code)
    halves[code] = (static_cast<double>(nf4_levels[code]) + static_cast<double>(nf4_levels[code + 1])) / 2;
  return halves;
}();

}  // namespace

std::uint8_t nearest_nf4(float number) {
  const auto border = std::lower_bound(borders.begin(), borders.end(), static_cast<double>(number));
  return static_cast<std::uint8_t>(border - borders.begin());
}

Nf4Matrix quantize_nf4(const WeightMatrix& weights, std::int64_t group_size) {
  Nf4Matrix matrix{.rows = weights.rows,
                   .columns = weights.columns,
                   .group = group_size > 0 ? std::min(group_size, weights.columns) : weights.columns,
                   .codes = {},
                   .scales = {}};
  matrix.codes.resize(weights.elements.size());
  matrix.scales.resize(static_cast<std::size_t>(matrix.rows * matrix.groups()));
#pragma omp parallel for schedule(static) if (weights.elements.size() > 65536)
  for (std::int64_t row = 0; row < matrix.rows; ++row) {
    for (std::int64_t group = 0; group < matrix.groups(); ++group) {
      const std::int64_t column = group * matrix.group;
      const auto first = static_cast<std::size_t>(row * matrix.columns + column);
      const auto elements =
          std::span(weights.elements).subspan(first, static_cast<std::size_t>(std::min(matrix.group, matrix.columns - column)));
      const ops::FloatRange range = ops::range_of(elements);
      const float scale = symmetric_parameters(std::max(-range.lowest, range.highest), 1).scale;
      matrix.scales[static_cast<std::size_t>(row * matrix.groups() + group)] = scale;
      for (std::size_t index = 0; index < elements.size(); ++index) matrix.codes[first + index] = nearest_nf4(elements[index] / scale);
    }
  }
  return matrix;
}

std::vector<float> dequantized(const Nf4Matrix& matrix) {
  std::vector<float> numbers(matrix.codes.size());
  for (std::int64_t row = 0; row < matrix.rows; ++row) {
    for (std::int64_t column = 0; column < matrix.columns; ++column) {
      const auto at = static_cast<std::size_t>(row * matrix.columns + column);
      numbers[at] = nf4_levels[matrix.codes[at]] * matrix.scales[static_cast<std::size_t>(row * matrix.groups() + column / matrix.group)];
    }
  }
  return numbers;
}

}  // namespace titrate::engine
