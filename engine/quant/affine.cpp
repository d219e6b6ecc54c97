#include "engine/quant/affine.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace titrate::engine {

std::int32_t quantize(float value, AffineParameters parameters, IntegerRange range) {
  if (std::isnan(value)) return std::clamp(parameters.zero_point, range.least, range.most);
  const double steps = static_cast<double>(std::nearbyint(value / parameters.scale)) + parameters.zero_point;
  return static_cast<std::int32_t>(std::clamp<double>(steps, range.least, range.most));
}

std::int32_t quantize_bias(float bias, float scale) {
  if (bias == 0) return 0;  // the scale is 0 where a product of tiny scales is
  const double steps = std::nearbyint(static_cast<double>(bias / scale));
  constexpr double least = std::numeric_limits<std::int32_t>::min();
  constexpr double most = std::numeric_limits<std::int32_t>::max();
  return static_cast<std::int32_t>(std::clamp(steps, least, most));
}

double signal_to_noise_db(double signal_energy, double noise_energy) {
  constexpr double equal = 999;  // stands for infinity, which JSON and SQLite cannot hold
  if (noise_energy <= 0) return equal;
  if (signal_energy <= 0) return 0;
  return std::min(equal, 10 * std::log10(signal_energy / noise_energy));
}

}  // namespace titrate::engine
