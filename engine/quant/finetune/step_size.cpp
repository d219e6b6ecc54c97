#include "engine/quant/finetune/step_size.hpp"

#include <algorithm>
#include <cmath>

namespace titrate::engine {

StepSlopes step_slopes(float weight, float scale, float least, float most) {
  const float steps = weight / scale;
  if (steps < least) return {.by_weight = 0, .by_scale = least};
  if (steps > most) return {.by_weight = 0, .by_scale = most};
  return {.by_weight = 1, .by_scale = std::nearbyint(steps) - steps};
}

float step_gradient_factor(std::int64_t weights, float most) { return 1 / std::sqrt(static_cast<float>(weights) * std::max(most, 1.0F)); }

}  // namespace titrate::engine
