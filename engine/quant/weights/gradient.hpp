// The gradient of a layer's output error with respect to its dequantized weights, in float32, for the algorithms that learn: 2 (W^ -
// target) G.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "engine/ops/dense_product.hpp"
#include "engine/quant/weights/layer_problem.hpp"

namespace titrate::engine {

/// G of a problem, packed once for all its rows, and brought to a mean diagonal of 1, so that errors are in squares of weights, whatever
/// the inputs' size.
using PackedGram = ops::PackedRight;

/// Of some rows of a problem.
class OutputGradient {
 public:
  OutputGradient(const WeightMatrix& target, const PackedGram& gram);

  /// For the dequantized weights [rows, columns]: the gradient goes to `gradient`, and the error of each row is returned.
  std::vector<double> compute(std::span<const float> weights, std::span<float> gradient);

 private:
  const WeightMatrix& target_;
  const PackedGram& gram_;
  std::vector<float> difference_;  // [rows, columns]
  std::vector<float> scratch_;
};

/// Rows are independent of each other: learn(target, gram, part) for blocks of them, on all threads, each block on one. The parts are put
/// back into `quantized`; what they are does not depend on the number of threads. With one scale for all rows a part must leave it alone.
/// Throws Error(interrupted) where the problem is cancelled; then `learn` may end early.
void for_each_row_block(const LayerProblem& problem, QuantizedMatrix& quantized,
                        const std::function<void(const WeightMatrix& target, const PackedGram& gram, QuantizedMatrix& part)>& learn);

}  // namespace titrate::engine
