// The formulas of AWQ.
#pragma once

#include <span>
#include <vector>

#include "engine/quant/round_to_nearest.hpp"
#include "engine/quant/weights/input_moments.hpp"

namespace titrate::engine {

/// max(a_j^ratio, 1e-4) over the square root of its largest times its least, a_j the mean magnitude of input channel j.
[[nodiscard]] std::vector<float> awq_factors(std::span<const double> magnitudes, double ratio);

/// trace(D G D^T), D the difference between the weights and Q(weights times factors) / factors, each factor for the columns of one channel.
/// `groups`: the moments of each group of channels, which has as many rows of the weights as the others; factors count on through them.
[[nodiscard]] double scaled_output_error(const WeightMatrix& weights, std::span<const InputMoments> groups, const RoundToNearest& grid,
                                         std::span<const float> factors);

}  // namespace titrate::engine
