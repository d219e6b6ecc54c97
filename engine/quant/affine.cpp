#include "engine/quant/affine.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace titrate::engine {

AffineParameters symmetric_parameters(float largest_magnitude, int most) {
  const float scale = largest_magnitude / static_cast<float>(most);
  return {.scale = scale >= std::numeric_limits<float>::min() ? scale : 1.0F, .zero_point = 0};
}

AffineParameters asymmetric_parameters(float low, float high, IntegerRange range) {
  low = std::min(low, 0.0F);
  high = std::max(high, 0.0F);
  // The difference of two finite floats may exceed the largest one: then it is divided before it is rounded.
  const auto steps = static_cast<double>(range.most - range.least);
  const double width = static_cast<double>(high) - static_cast<double>(low);
  const bool fits = width <= static_cast<double>(std::numeric_limits<float>::max());
  const auto scale = static_cast<float>((fits ? static_cast<double>(high - low) : width) / steps);
  if (!(scale >= std::numeric_limits<float>::min())) return {.scale = 1.0F, .zero_point = std::clamp(0, range.least, range.most)};
  const double zero_point = std::nearbyint(static_cast<double>(-low / scale)) + range.least;
  return {.scale = scale, .zero_point = static_cast<std::int32_t>(std::clamp<double>(zero_point, range.least, range.most))};
}

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
