// HQQ: for a group of weights the zero point for which the p-norm of the errors (p = 0.7, so that outliers count little) is least, by
// half-quadratic splitting (algorithms B6; mobiusml/hqq). Needs no data.
#pragma once

#include <span>

#include "engine/quant/weight_matrix.hpp"

namespace titrate::engine {

struct FittedZeroPoint {
  double zero_point = 0;  ///< real-valued
  double mean_error = 0;  ///< mean |w - (code - zero_point) scale|
};
/// Codes 0 to `most`, scale (highest - lowest) / most. `elements` must not all be equal.
[[nodiscard]] FittedZeroPoint fit_zero_point(std::span<const double> elements, int most);

/// Codes 0 to 2^bits - 1 with integer zero points, as ONNX stores them. For each group the search begins at the rounded zero point and at
/// round to nearest in the range of least squared error, tries zero points beside them with scales fitted anew, and keeps what has the
/// least sum of |error|^power: never more than round to nearest has. `group_size`: as in RoundToNearest, but 0.
[[nodiscard]] QuantizedMatrix hqq(const WeightMatrix& weights, int bits, std::int64_t group_size, double power);

/// Without data the squares of the weights' errors are the best guess of what the outputs lose.
constexpr double squared_errors = 2;
/// HQQ's own norm.
constexpr double sparse_errors = 0.7;

}  // namespace titrate::engine
