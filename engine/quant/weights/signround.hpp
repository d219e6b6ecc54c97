// SignRound: an offset before rounding is learned for each weight and a factor for each scale, by the sign of the gradient, and the best
// step of each row is kept (algorithms B8; arXiv 2309.05516). On the Gram matrix, as adaround.hpp.
#pragma once

#include "engine/quant/weights/layer_problem.hpp"

namespace titrate::engine {

/// Sets codes and scales of `quantized`; zero points and range stay, and so does the scale where all rows share one.
void signround(const LayerProblem& problem, int iterations, QuantizedMatrix& quantized);

}  // namespace titrate::engine
