#include "engine/quant/weight_matrix.hpp"

#include <algorithm>
#include <cmath>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"

namespace titrate::engine {
namespace {

bool is_weighted(const Node& node) {
  return is_lookup(node) || (node.domain.empty() && (node.type == "Conv" || node.type == "Gemm" || node.type == "MatMul"));
}

// Whether the graph stores one output channel a row.
bool rows_first(const Node& node) {
  return is_lookup(node) || node.type == "Conv" || (node.type == "Gemm" && node.integer("transB", 0) != 0);
}

std::optional<std::string> table_refusal(const Tensor& table, const Node& node) {
  if (table.rank() < 2) return cat("its table has the shape ", to_text(table.shape()), ": no rows");
  const std::int64_t axis = node.integer("axis", 0);
  if (axis != 0 && axis != -table.rank()) return cat("it gathers along axis ", axis, ": scales belong to rows, which axis 0 counts");
  return std::nullopt;
}

}  // namespace

bool is_lookup(const Node& node) { return node.domain.empty() && node.type == "Gather"; }

std::optional<std::string> weight_refusal(const Graph& graph, const Node& node) {
  if (!is_weighted(node)) return cat(node.type, " has no quantized form");
  if (!node.has_input(weight_input(node))) return "it has no weights";
  const Tensor* weights = graph.constant_input(node, weight_input(node));
  if (weights == nullptr)
    return node.type == "MatMul" ? "both inputs are computed: no weights to store" : "its weights are computed, not constant";
  if (weights->type() != DataType::float32) return cat("its weights are ", name_of(weights->type()), ", not float32");
  if (weights->elements() == 0) return "its weights are empty";
  if (is_lookup(node)) return table_refusal(*weights, node);
  const bool fits = node.type == "Conv" ? weights->rank() >= 3 : weights->rank() == 2;
  if (!fits) return cat("its weights have the shape ", to_text(weights->shape()));
  return std::nullopt;
}

WeightMatrix weight_matrix_of(const Graph& graph, const Node& node) {
  const Tensor& weights = *graph.constant_input(node, weight_input(node));
  const auto source = weights.data<float>();
  for (const float element : source) {
    if (!std::isfinite(element)) {
      throw_invalid(cat("the weights '", visible(graph[node.inputs[weight_input(node)]].name), "' hold NaN or infinity"), node.described(),
                    "export the model again");
    }
  }
  WeightMatrix matrix;
  matrix.transposed = !rows_first(node);
  matrix.rows = weights.shape()[matrix.transposed ? 1 : 0];
  matrix.columns = weights.elements() / matrix.rows;
  matrix.elements.assign(source.begin(), source.end());
  if (!matrix.transposed) return matrix;
  for_each_transposed(matrix.columns, matrix.rows, [&](std::size_t from, std::size_t to) { matrix.elements[to] = source[from]; });
  return matrix;
}

AffineParameters QuantizedMatrix::parameters(std::int64_t row, std::int64_t column) const {
  const auto index = per_tensor ? std::size_t{0} : static_cast<std::size_t>(row * groups() + column / group);
  return {.scale = scales[index], .zero_point = zero_points[index]};
}

float QuantizedMatrix::dequantized(std::int64_t row, std::int64_t column) const {
  return dequantize(codes[static_cast<std::size_t>(row * columns + column)], parameters(row, column));
}

WeightMatrix rows_of(const WeightMatrix& weights, std::int64_t first, std::int64_t count) {
  WeightMatrix part{.rows = count, .columns = weights.columns, .elements = {}, .transposed = weights.transposed};
  const auto begin = weights.elements.begin() + first * weights.columns;
  part.elements.assign(begin, begin + count * weights.columns);
  return part;
}

QuantizedMatrix rows_of(const QuantizedMatrix& quantized, std::int64_t first, std::int64_t count) {
  QuantizedMatrix part{.rows = count,
                       .columns = quantized.columns,
                       .group = quantized.group,
                       .per_tensor = quantized.per_tensor,
                       .range = quantized.range,
                       .codes = {},
                       .scales = quantized.scales,
                       .zero_points = quantized.zero_points};
  const auto cut = [&](const auto& from, auto& to, std::int64_t width) {
    to.assign(from.begin() + first * width, from.begin() + (first + count) * width);
  };
  cut(quantized.codes, part.codes, quantized.columns);
  if (quantized.per_tensor) return part;
  cut(quantized.scales, part.scales, quantized.groups());
  cut(quantized.zero_points, part.zero_points, quantized.groups());
  return part;
}

void put_rows(const QuantizedMatrix& part, std::int64_t first, QuantizedMatrix& whole) {
  std::copy(part.codes.begin(), part.codes.end(), whole.codes.begin() + first * whole.columns);
  if (whole.per_tensor) return;
  std::copy(part.scales.begin(), part.scales.end(), whole.scales.begin() + first * whole.groups());
  std::copy(part.zero_points.begin(), part.zero_points.end(), whole.zero_points.begin() + first * whole.groups());
}

namespace {

// Of one row, in eight sums each, joined in the end: the order depends on the columns alone.
Energies row_energies(const WeightMatrix& weights, const QuantizedMatrix& quantized, std::int64_t row) {
  constexpr std::size_t lanes = 8;
  double signal[lanes] = {};
  double noise[lanes] = {};
  const auto elements = weights.row(row);
  const auto codes = std::span(quantized.codes).subspan(static_cast<std::size_t>(row * weights.columns), elements.size());
  for (std::int64_t first = 0; first < weights.columns; first += quantized.group) {
    const AffineParameters parameters = quantized.parameters(row, first);
    const auto begin = static_cast<std::size_t>(first);
    const auto end = static_cast<std::size_t>(std::min(first + quantized.group, weights.columns));
    for (std::size_t column = begin; column < end; ++column) {
      const auto element = static_cast<double>(elements[column]);
      const double error = element - static_cast<double>(dequantize(codes[column], parameters));
      signal[(column - begin) % lanes] += element * element;
      noise[(column - begin) % lanes] += error * error;
    }
  }
  Energies sums;
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    sums.signal += signal[lane];
    sums.noise += noise[lane];
  }
  return sums;
}

}  // namespace

Energies energies(const WeightMatrix& weights, const QuantizedMatrix& quantized) {
  std::vector<Energies> of_rows(static_cast<std::size_t>(weights.rows));
#pragma omp parallel for schedule(static) if (weights.elements.size() > 65536)
  for (std::int64_t row = 0; row < weights.rows; ++row) of_rows[static_cast<std::size_t>(row)] = row_energies(weights, quantized, row);
  Energies sums;
  for (const Energies& of_row : of_rows) {
    sums.signal += of_row.signal;
    sums.noise += of_row.noise;
  }
  return sums;
}

Energies energies(const WeightMatrix& weights, std::span<const float> dequantized) {
  Energies sums;
  for (std::size_t index = 0; index < dequantized.size(); ++index) {
    const auto element = static_cast<double>(weights.elements[index]);
    const double error = element - static_cast<double>(dequantized[index]);
    sums.signal += element * element;
    sums.noise += error * error;
  }
  return sums;
}

}  // namespace titrate::engine
