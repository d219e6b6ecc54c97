// The weights of a Conv, Gemm or MatMul as a matrix W [rows, columns]: one row an output channel, columns along K; the table of a Gather
// with one row an index. How it is quantized is one struct.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "engine/graph/graph.hpp"
#include "engine/quant/affine.hpp"

namespace titrate::engine {

struct WeightMatrix {
  std::int64_t rows = 0;        ///< output channels; of a table its rows
  std::int64_t columns = 0;     ///< K: for Conv C/g * kh * kw; of a table the numbers of a row
  std::vector<float> elements;  ///< row-major
  /// MatMul and Gemm without transB store [K, N]: `elements` is the transpose of what the graph holds.
  bool transposed = false;

  [[nodiscard]] std::span<const float> row(std::int64_t index) const {
    return std::span(elements).subspan(static_cast<std::size_t>(index * columns), static_cast<std::size_t>(columns));
  }
};

/// body(row * columns + column, column * rows + row) for all of a matrix, in tiles, so that neither side leaves the cache.
template <class Body>
void for_each_transposed(std::int64_t rows, std::int64_t columns, const Body& body) {
  constexpr std::int64_t tile = 16;  // elements: a cache line of floats
  for (std::int64_t top = 0; top < rows; top += tile) {
    for (std::int64_t left = 0; left < columns; left += tile) {
      for (std::int64_t row = top; row < std::min(top + tile, rows); ++row) {
        for (std::int64_t column = left; column < std::min(left + tile, columns); ++column) {
          body(static_cast<std::size_t>(row * columns + column), static_cast<std::size_t>(column * rows + row));
        }
      }
    }
  }
}

/// A Gather: where its data are constant it is an embedding, whose rows are looked up and not multiplied.
[[nodiscard]] bool is_lookup(const Node& node);
/// Which input of a node holds its weights: the first of a Gather, else the second.
[[nodiscard]] inline std::size_t weight_input(const Node& node) { return is_lookup(node) ? 0 : 1; }

/// Why a node's weights cannot be quantized, or nothing. Conv, Gemm and MatMul with a constant float32 second input of rank >= 2 (MatMul,
/// Gemm: 2) can, and a Gather along axis 0 of constant float32 data of rank >= 2.
[[nodiscard]] std::optional<std::string> weight_refusal(const Graph& graph, const Node& node);

/// The matrix of a node without a refusal. Throws Error(invalid) naming the tensor if an element is NaN or infinite.
[[nodiscard]] WeightMatrix weight_matrix_of(const Graph& graph, const Node& node);

/// Codes for a matrix, with one scale and zero point for each group of columns of each row.
struct QuantizedMatrix {
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::int64_t group = 0;   ///< columns that share a scale: `columns` if a row has one scale
  bool per_tensor = false;  ///< all rows share one scale
  IntegerRange range;
  std::vector<std::int16_t> codes;        ///< [rows, columns]
  std::vector<float> scales;              ///< [rows, groups()], or one
  std::vector<std::int32_t> zero_points;  ///< as scales

  [[nodiscard]] std::int64_t groups() const { return (columns + group - 1) / group; }
  [[nodiscard]] AffineParameters parameters(std::int64_t row, std::int64_t column) const;
  [[nodiscard]] float dequantized(std::int64_t row, std::int64_t column) const;
};

/// Rows [first, first + count) as a matrix of their own, and a part put back. With one scale for all rows the part keeps it, and putting
/// back leaves it alone.
[[nodiscard]] WeightMatrix rows_of(const WeightMatrix& weights, std::int64_t first, std::int64_t count);
[[nodiscard]] QuantizedMatrix rows_of(const QuantizedMatrix& quantized, std::int64_t first, std::int64_t count);
void put_rows(const QuantizedMatrix& part, std::int64_t first, QuantizedMatrix& whole);

/// Sum of squares of the weights and of their errors, in double: for SQNR.
struct Energies {
  double signal = 0;
  double noise = 0;
};
[[nodiscard]] Energies energies(const WeightMatrix& weights, const QuantizedMatrix& quantized);
/// The same for weights that were rounded to `dequantized`, [rows, columns].
[[nodiscard]] Energies energies(const WeightMatrix& weights, std::span<const float> dequantized);

}  // namespace titrate::engine
