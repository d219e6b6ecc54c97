// Activations, and residual additions before them, go into the layer whose sums they work on.
#pragma once

#include <cstddef>

#include "engine/graph/graph.hpp"

namespace titrate::engine {

/// float32 Conv with Relu, Clip of constant bounds, LeakyRelu, HardSigmoid, Sigmoid or Tanh behind it becomes com.microsoft's FusedConv; so
/// does Conv with an Add of a tensor of the same shape, and an activation behind that. x * Sigmoid(x) behind a Conv is an activation too:
/// Swish, a name that only titrate knows. Gemm with such an activation, but Clip and Swish, becomes FusedGemm. Nobody else may read what is
/// in between. The layer keeps its name and takes over the output; the outputs keep their bits.
std::size_t fuse_activations(Model& model);

}  // namespace titrate::engine
