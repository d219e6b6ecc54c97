// MatMul followed by Add of a constant vector becomes Gemm where the MatMul is quantized statically: with an int32 bias it runs as integers
// and gives floats.
#pragma once

#include "engine/config/config.hpp"
#include "engine/graph/graph.hpp"
#include "engine/quant/targets/target.hpp"

namespace titrate::engine {

/// The Gemm keeps the MatMul's name and the Add's output. Only matrices of rank 2, as Gemm takes no other, and where the target has a Gemm.
void absorb_bias(Model& model, const Config& config, const Target& target);

}  // namespace titrate::engine
