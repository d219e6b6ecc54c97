// What a scheme's rounding does to weights and to the inputs of a layer: for searches that must judge a layer before it is quantized.
#pragma once

#include <vector>

#include "engine/config/config.hpp"
#include "engine/quant/weight_matrix.hpp"

namespace titrate::engine {

/// Rows of a layer's inputs, [count, columns], sample after sample.
struct SampledRows {
  std::int64_t columns = 0;
  std::vector<float> elements;
  std::vector<std::size_t> ends;  ///< of each sample in `elements`
};

/// Whether the scheme rounds the inputs of layers, and not their weights alone.
[[nodiscard]] bool rounds_inputs(const Scheme& scheme);

/// To the scheme's grid, with its groups, range search and zero points. What a scheme learns from data beyond its grid (gptq, adaround ...)
/// is not known here: it counts as rounded to nearest.
void round_weights(WeightMatrix& weights, const Scheme& scheme);

/// To the codes that the scheme gives a layer's inputs: with its calibrator's range over all rows, or with a range for each sample where
/// the scheme finds it in each run. Inputs that stay float stay as they are.
void round_inputs(SampledRows& rows, const Scheme& scheme);

}  // namespace titrate::engine
