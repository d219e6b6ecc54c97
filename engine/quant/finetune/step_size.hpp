// Learned step sizes (LSQ, arXiv 1902.08153; algorithms B12): the slopes of a rounded number, gradients going straight through the
// rounding.
#pragma once

#include <cstdint>

namespace titrate::engine {

/// Of w^ = scale * clamp(round(w / scale), least, most).
struct StepSlopes {
  float by_weight = 0;  ///< dw^/dw: 1 inside the range of codes, 0 outside
  float by_scale = 0;   ///< dw^/dscale: round(w / scale) - w / scale inside, the nearest end of the range outside
};
/// `least` and `most`: codes less the zero point.
[[nodiscard]] StepSlopes step_slopes(float weight, float scale, float least, float most);

/// What the gradient of a scale of `weights` numbers is multiplied by, so that scales and weights move at like speed: 1 / sqrt(N most).
[[nodiscard]] float step_gradient_factor(std::int64_t weights, float most);

}  // namespace titrate::engine
