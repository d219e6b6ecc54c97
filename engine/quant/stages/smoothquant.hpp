// The formula of SmoothQuant.
#pragma once

#include <span>
#include <vector>

namespace titrate::engine {

/// s_j = max|x_j|^alpha / max|w_j|^(1 - alpha), both floors 1e-5; 1 for a channel that is always 0 (algorithms B3).
[[nodiscard]] std::vector<float> smoothing_factors(std::span<const float> activations, std::span<const float> weights, double alpha);

}  // namespace titrate::engine
