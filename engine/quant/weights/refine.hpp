// Makes the best of given codes: grids chosen anew group by group (regrid.hpp), scales fitted to the layer's output by least squares
// (algorithms B10), then single codes moved as long as the output error falls (coordinate descent on the Gram matrix, algorithms B7). The
// error never rises.
#pragma once

#include "engine/quant/weights/layer_problem.hpp"

namespace titrate::engine {

/// At most `rounds` of all three, fewer where nothing changes any more. `damp`: as GptqOptions. With one scale for the whole tensor only
/// codes are moved; with more than 1024 weights a scale the grids stay.
void refine(const LayerProblem& problem, double damp, int rounds, QuantizedMatrix& quantized);

/// What GPTQ does by default, for the algorithms that have no options of their own for it.
constexpr double refining_damp = 0.01;
constexpr int refining_rounds = 4;

}  // namespace titrate::engine
