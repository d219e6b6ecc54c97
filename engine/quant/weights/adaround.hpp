// AdaRound: whether a weight is rounded up or down is learned, so that the layer's output is kept (algorithms B7; arXiv 2004.10568). On the
// Gram matrix of the inputs, so that a step's cost does not depend on how many rows there are.
#pragma once

#include "engine/quant/weights/layer_problem.hpp"

namespace titrate::engine {

/// How far a weight is rounded up: clip(1.2 sigmoid(v) - 0.1, 0, 1), which reaches both ends.
[[nodiscard]] double rounded_up(double v);
/// The v for which rounded_up(v) is `fraction`.
[[nodiscard]] double rounding_variable(double fraction);
/// 1 - |2 rounded_up(v) - 1|^beta: 0 where the rounding is decided.
[[nodiscard]] double undecided(double v, double beta);
/// The derivative of undecided() with respect to v.
[[nodiscard]] double undecided_slope(double v, double beta);

/// Sets the codes of `quantized`, whose scales, zero points and range stay.
void adaround(const LayerProblem& problem, int iterations, QuantizedMatrix& quantized);

}  // namespace titrate::engine
