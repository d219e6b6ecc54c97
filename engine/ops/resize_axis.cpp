#include "engine/ops/resize_axis.hpp"

#include <algorithm>
#include <cmath>

namespace titrate::engine::ops {

float source_coordinate(const ResizeAxis& axis, std::int64_t target, Coordinates coordinates) {
  const auto x = static_cast<float>(target);
  const auto source = static_cast<float>(axis.source);
  const float target_size = axis.scale * source;
  switch (coordinates) {
    case Coordinates::half_pixel:
      return (x + 0.5F) / axis.scale - 0.5F;
    case Coordinates::half_pixel_symmetric: {
      // The rounded target size cuts something off: both ends lose the same.
      const float adjustment = static_cast<float>(axis.target) / target_size;
      return source / 2.0F * (1.0F - adjustment) + (x + 0.5F) / axis.scale - 0.5F;
    }
    case Coordinates::pytorch_half_pixel:
      return axis.target == 1 ? 0.0F : (x + 0.5F) / axis.scale - 0.5F;
    case Coordinates::align_corners:
      return axis.target == 1 ? 0.0F : x * (source - 1.0F) / (static_cast<float>(axis.target) - 1.0F);
    case Coordinates::asymmetric:
      return x / axis.scale;
    case Coordinates::tf_half_pixel_for_nn:
      return (x + 0.5F) / axis.scale;
    case Coordinates::tf_crop_and_resize:
      if (axis.target == 1) return 0.5F * (axis.roi_start + axis.roi_end) * (source - 1.0F);
      return axis.roi_start * (source - 1.0F) +
             x * (axis.roi_end - axis.roi_start) * (source - 1.0F) / (static_cast<float>(axis.target) - 1.0F);
  }
  return x;
}

bool is_outside(const ResizeAxis& axis, std::int64_t target) {
  const float x = source_coordinate(axis, target, Coordinates::tf_crop_and_resize);
  return !(x >= 0.0F && x <= static_cast<float>(axis.source - 1));
}

namespace {

// A float from hostile scales and regions as a position that no arithmetic on sizes overflows.
std::int64_t position(float rounded) {
  constexpr float far = 0x1p50F;
  if (std::isnan(rounded)) return 0;
  return static_cast<std::int64_t>(std::clamp(rounded, -far, far));
}

std::int64_t nearest(float x, float scale, NearestMode mode) {
  switch (mode) {
    case NearestMode::round_prefer_floor:
      return position(std::ceil(x - 0.5F));
    case NearestMode::round_prefer_ceil:
      return position(std::floor(x + 0.5F));
    case NearestMode::floor:
      return position(std::floor(x));
    case NearestMode::ceil:
      return position(std::ceil(x));
    case NearestMode::outward:
      return position(scale < 1.0F ? std::ceil(x) : std::floor(x));
  }
  return 0;
}

// Keys' cubic convolution; a is its free coefficient.
float cubic_weight(float distance, float a) {
  const float x = std::abs(distance);
  if (x <= 1.0F) return ((a + 2.0F) * x - (a + 3.0F)) * x * x + 1.0F;
  if (x < 2.0F) return ((a * x - 5.0F * a) * x + 8.0F * a) * x - 4.0F * a;
  return 0.0F;
}

float linear_weight(float distance) { return std::max(0.0F, 1.0F - std::abs(distance)); }

}  // namespace

AxisMap nearest_map(const ResizeAxis& axis, const ResizeSettings& settings) {
  AxisMap map(static_cast<std::size_t>(axis.target));
  for (std::int64_t target = 0; target < axis.target; ++target) {
    const float x = source_coordinate(axis, target, settings.coordinates);
    const bool outside = settings.coordinates == Coordinates::tf_crop_and_resize && is_outside(axis, target);
    map[static_cast<std::size_t>(target)] =
        outside ? -1 : std::clamp(nearest(x, axis.scale, settings.nearest), std::int64_t{0}, axis.source - 1);
  }
  return map;
}

ResizeTaps resize_taps(const ResizeAxis& axis, const ResizeSettings& settings) {
  // Shrinking with antialias stretches the filter over all the source elements that one target element covers.
  const float stretch = settings.antialias && axis.scale < 1.0F ? 1.0F / axis.scale : 1.0F;
  const float reach = (settings.cubic ? 2.0F : 1.0F) * stretch;
  // No target of the source's size or less has a scale below 1 / source: more taps come from hostile scales only.
  const std::int64_t taps = std::min(2 * position(std::ceil(reach)), 4 * axis.source + 8);
  ResizeTaps result{.taps = taps, .positions = {}, .weights = {}};
  for (std::int64_t target = 0; target < axis.target; ++target) {
    const float x = source_coordinate(axis, target, settings.coordinates);
    const std::int64_t first = position(std::floor(x)) - taps / 2 + 1;
    float total = 0.0F;
    const std::size_t begin = result.weights.size();
    for (std::int64_t tap = 0; tap < taps; ++tap) {
      const std::int64_t at = first + tap;
      const float distance = (x - static_cast<float>(at)) / stretch;
      float weight = settings.cubic ? cubic_weight(distance, settings.cubic_coefficient) : linear_weight(distance);
      if (settings.exclude_outside && (at < 0 || at >= axis.source)) weight = 0.0F;
      total += weight;
      result.positions.push_back(std::clamp(at, std::int64_t{0}, axis.source - 1));
      result.weights.push_back(weight);
    }
    const bool normalizes = (settings.exclude_outside || stretch > 1.0F) && total != 0.0F;
    for (std::size_t index = begin; normalizes && index < result.weights.size(); ++index) result.weights[index] /= total;
  }
  return result;
}

}  // namespace titrate::engine::ops
