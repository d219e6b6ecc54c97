// Batch normalizations, and constants that scale or shift channels, go into the weights of the layer before.
#pragma once

#include <cstddef>

#include "engine/graph/graph.hpp"

namespace titrate::engine {

/// BatchNormalization (inference), and Mul, Div, Add or Sub of one constant for each channel, behind a Conv, ConvTranspose, Gemm, or MatMul
/// with an Add of a bias, where weights and bias are constant floats and nobody else reads what is in between. The layer keeps its name and
/// takes over the output of what was folded; a bias that was not there is named "<layer>_bias". Computed in double.
std::size_t fold_batch_norms(Model& model);

}  // namespace titrate::engine
