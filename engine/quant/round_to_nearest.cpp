#include "engine/quant/round_to_nearest.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/base/large_pages.hpp"
#include "engine/ops/float_arrays.hpp"
#include "engine/ops/grouped_floats.hpp"

namespace titrate::engine {
namespace {

struct Extent {
  float low = 0;
  float high = 0;
  float signed_largest = 0;  // the first element of largest magnitude

  explicit Extent(std::span<const float> elements) : Extent(elements, ops::range_of(elements)) {}
  Extent(std::span<const float> elements, const ops::FloatRange& range)
      : low(std::min(range.lowest, 0.0F)), high(std::max(range.highest, 0.0F)) {
    signed_largest = -low > high ? low : high;
    if (-low != high || high == 0) return;
    signed_largest = *std::find_if(elements.begin(), elements.end(), [&](float element) { return std::fabs(element) == high; });
  }
};

IntegerRange range_of(const RoundToNearest& how) {
  if (how.mode == WeightMode::narrow) return narrow_range(how.bits);
  return how.mode == WeightMode::signed_max ? signed_range(how.bits) : unsigned_range(how.bits);
}

AffineParameters parameters_of(const Extent& extent, const RoundToNearest& how, float ratio) {
  const IntegerRange range = range_of(how);
  if (how.mode == WeightMode::asymmetric) return asymmetric_parameters(extent.low * ratio, extent.high * ratio, range);
  if (how.mode == WeightMode::narrow) return symmetric_parameters(std::fabs(extent.signed_largest) * ratio, range.most);
  const float scale = extent.signed_largest * ratio / static_cast<float>(range.least);
  return {.scale = std::fabs(scale) >= std::numeric_limits<float>::min() ? scale : 1.0F, .zero_point = 0};
}

double squared_error(std::span<const float> elements, AffineParameters parameters, IntegerRange range) {
  double sum = 0;
  for (const float element : elements) {
    const double error = static_cast<double>(element) - static_cast<double>(dequantize(quantize(element, parameters, range), parameters));
    sum += error * error;
  }
  return sum;
}

// A6: the error has many local minima in the ratio, so a grid; ratios below the last are never best at 2 bits and more.
AffineParameters search_clip(std::span<const float> elements, const Extent& extent, const RoundToNearest& how) {
  const int steps = how.group_size == 0 ? 100 : how.group_size < 0 ? 70 : 45;
  AffineParameters best = parameters_of(extent, how, 1.0F);
  double least = squared_error(elements, best, range_of(how));
  double ratio = 1;
  for (int step = 1; step < steps; ++step) {
    ratio *= 0.96;
    const AffineParameters candidate = parameters_of(extent, how, static_cast<float>(ratio));
    const double error = squared_error(elements, candidate, range_of(how));
    if (error >= least) continue;
    least = error;
    best = candidate;
  }
  return best;
}

AffineParameters fit(std::span<const float> elements, const RoundToNearest& how) {
  const Extent extent(elements);
  return how.search_clip ? search_clip(elements, extent, how) : parameters_of(extent, how, 1.0F);
}

// Of groups with these bounds, where a range alone gives the parameters: loops of their own, without calls.
void fit_ranges(std::span<const float> lowest, std::span<const float> highest, const RoundToNearest& how, std::span<float> scales,
                std::span<std::int32_t> zero_points) {
  const IntegerRange range = range_of(how);
  const auto fit_each = [&](const auto& parameters_of_range) {
    for (std::size_t index = 0; index < scales.size(); ++index) {
      const AffineParameters fitted = parameters_of_range(std::min(lowest[index], 0.0F), std::max(highest[index], 0.0F));
      scales[index] = fitted.scale;
      zero_points[index] = fitted.zero_point;
    }
  };
  if (how.mode == WeightMode::asymmetric) {
    fit_each([&](float low, float high) { return asymmetric_parameters(low, high, range); });
  } else {
    fit_each([&](float low, float high) { return symmetric_parameters(std::max(-low, high), range.most); });
  }
}

// Scales and zero points of the groups of a row.
void fit_row(std::span<const float> elements, const RoundToNearest& how, std::size_t group, std::span<float> scales,
             std::span<std::int32_t> zero_points) {
  std::vector<float> lowest(scales.size());
  std::vector<float> highest(scales.size());
  ops::ranges_of_groups(elements, group, lowest, highest);
  if (how.mode != WeightMode::signed_max && !how.search_clip) {
    fit_ranges(lowest, highest, how, scales, zero_points);
    return;
  }
  for (std::size_t index = 0; index < scales.size(); ++index) {
    const std::span<const float> own = elements.subspan(index * group, std::min(group, elements.size() - index * group));
    const Extent extent(own, {.lowest = lowest[index], .highest = highest[index], .not_finite = 0});
    const AffineParameters fitted = how.search_clip ? search_clip(own, extent, how) : parameters_of(extent, how, 1.0F);
    scales[index] = fitted.scale;
    zero_points[index] = fitted.zero_point;
  }
}

void quantize_row(const WeightMatrix& weights, std::int64_t row, const RoundToNearest& how, QuantizedMatrix& result) {
  const std::span<const float> elements = weights.row(row);
  const auto group = static_cast<std::size_t>(result.group);
  const auto groups = static_cast<std::size_t>(result.groups());
  const std::size_t first = result.per_tensor ? 0 : static_cast<std::size_t>(row) * groups;
  const std::span<float> scales = std::span(result.scales).subspan(first, groups);
  const std::span<std::int32_t> zero_points = std::span(result.zero_points).subspan(first, groups);
  if (!result.per_tensor) fit_row(elements, how, group, scales, zero_points);
  ops::quantize_groups_to(std::span(result.codes).subspan(static_cast<std::size_t>(row * weights.columns), elements.size()), elements,
                          group, scales, zero_points, result.range.least, result.range.most);
}

// Some rows at a time: the zeros that a vector is made of are replaced while they are in the cache.
void quantize_rows(const WeightMatrix& weights, const RoundToNearest& how, QuantizedMatrix& result) {
  constexpr std::int64_t cached_codes = std::int64_t{1} << 17;
  const std::int64_t together = std::max<std::int64_t>(1, cached_codes / std::max<std::int64_t>(weights.columns, 1));
  result.codes.reserve(weights.elements.size());
  ask_for_large_pages(result.codes.data(), result.codes.capacity() * sizeof(std::int16_t));
  for (std::int64_t first = 0; first < weights.rows; first += together) {
    const std::int64_t last = std::min(weights.rows, first + together);
    result.codes.resize(static_cast<std::size_t>(last * weights.columns));
#pragma omp parallel for schedule(static) if (weights.elements.size() > 65536)
    for (std::int64_t row = first; row < last; ++row) quantize_row(weights, row, how, result);
  }
}

}  // namespace

AffineParameters grid_of_range(std::span<const float> elements, const RoundToNearest& how, float ratio) {
  return parameters_of(Extent(elements), how, ratio);
}

QuantizedMatrix quantize_weights(const WeightMatrix& weights, const RoundToNearest& how) {
  QuantizedMatrix result{.rows = weights.rows,
                         .columns = weights.columns,
                         .group = weights.columns,
                         .per_tensor = how.group_size == 0,
                         .range = range_of(how),
                         .codes = {},
                         .scales = {},
                         .zero_points = {}};
  if (how.group_size > 0) result.group = std::min(how.group_size, weights.columns);
  const auto scales = result.per_tensor ? std::size_t{1} : static_cast<std::size_t>(result.rows * result.groups());
  result.scales.resize(scales);
  result.zero_points.resize(scales);
  if (result.per_tensor) {
    const AffineParameters fitted = fit(weights.elements, how);
    result.scales[0] = fitted.scale;
    result.zero_points[0] = fitted.zero_point;
  }
  quantize_rows(weights, how, result);
  return result;
}

}  // namespace titrate::engine
