// Ranges by what they cost the layer's output, codes rounded to nearest (AWQ's clipping, algorithms A6 and B4).
#pragma once

#include "engine/quant/round_to_nearest.hpp"
#include "engine/quant/weights/layer_problem.hpp"

namespace titrate::engine {

/// For each group of each row, one after the other, tries its whole range and cuts of it down to a quarter, and keeps what leaves the least
/// output error while all other groups stay; two rounds over the groups. `how` says what a grid is; codes stay within `quantized.range`.
/// The error never rises. With one scale for the whole tensor nothing is changed.
void search_ranges(const LayerProblem& problem, const RoundToNearest& how, QuantizedMatrix& quantized);

}  // namespace titrate::engine
