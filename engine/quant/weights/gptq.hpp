// GPTQ: the columns are rounded one after the other, and each column's error is made up for by the columns that are still to come
// (algorithms B5; arXiv 2210.17323).
#pragma once

#include "engine/quant/weights/layer_problem.hpp"

namespace titrate::engine {

struct GptqOptions {
  double damp = 0.01;      ///< part of the mean diagonal added to the Hessian
  bool act_order = false;  ///< columns by falling diagonal instead of their own order
};

/// Sets the codes of `quantized`, whose scales, zero points and range stay (static groups). False, and nothing changed, if the Hessian
/// cannot be factorized even with damp 1.
[[nodiscard]] bool gptq(const LayerProblem& problem, const GptqOptions& options, QuantizedMatrix& quantized);

}  // namespace titrate::engine
