// What every algorithm that finds codes for a layer's weights works on: min over codes of the layer's squared output error,
// sum over rows q of |target q - codes q|^2 = trace((target - codes) G (target - codes)^T), G the sum of q q^T. Rows of the matrix are
// independent of each other.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "engine/quant/weight_matrix.hpp"

namespace titrate::engine {

struct LayerProblem {
  WeightMatrix target;       ///< [rows, columns]
  std::vector<double> gram;  ///< G, [columns, columns], symmetric
  /// Whether to give up with Error(interrupted); called by several threads at once. Empty: never.
  std::function<bool()> cancelled = {};

  /// G with `damp` times the mean of its diagonal added to it, and 1 where an input is always 0.
  [[nodiscard]] std::vector<double> damped_gram(double damp) const;
};

/// trace(T G T^T), T the target.
[[nodiscard]] double output_energy(const LayerProblem& problem);
/// trace(D G D^T) for D = target - codes.
[[nodiscard]] double output_error(const LayerProblem& problem, const QuantizedMatrix& quantized);

/// One row of codes as numbers.
[[nodiscard]] std::vector<double> dequantized_row(const QuantizedMatrix& quantized, std::int64_t row);

}  // namespace titrate::engine
