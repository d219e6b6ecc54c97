// What the algorithms need to know of a layer's inputs: second moments over calibration rows, in memory that does not grow with their
// number. Two kinds of rows belong together: x, as the float model has them, and q, as the part of the model that is quantized already
// gives them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/quant/weights/input_rows.hpp"

namespace titrate::engine {

/// Of one group of channels; matrices are row-major [columns, columns] sums over the rows.
struct InputMoments {
  std::int64_t columns = 0;
  std::int64_t rows = 0;
  std::vector<double> gram;        ///< sum of q q^T
  std::vector<double> cross;       ///< sum of q x^T; empty while q is x
  std::vector<double> float_gram;  ///< sum of x x^T; empty while q is x
  std::vector<double> sum;         ///< [columns] of x
  std::vector<double> magnitude;   ///< [columns] of |x|

  explicit InputMoments(std::int64_t count);
  /// `floats` is empty where it equals `quantized`; both [rows, columns].
  void add(std::span<const float> quantized, std::span<const float> floats);

  [[nodiscard]] const std::vector<double>& cross_or_gram() const { return cross.empty() ? gram : cross; }
  [[nodiscard]] const std::vector<double>& float_gram_or_gram() const { return float_gram.empty() ? gram : float_gram; }
};

/// sums += left^T right, both [rows, columns]: products in float32 by blocks of rows, added up in double. The order does not depend on the
/// number of threads.
void add_product(std::span<double> sums, std::span<const float> left, std::span<const float> right, std::int64_t columns);

}  // namespace titrate::engine
