#include "engine/quant/integer_weights.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/ops/float_arrays.hpp"

namespace titrate::engine {
namespace {

struct Extent {
  float low = 0;
  float high = 0;
};

std::vector<Extent> extents(const WeightMatrix& weights, bool per_channel) {
  std::vector<Extent> result(per_channel ? static_cast<std::size_t>(weights.rows) : 1);
  for (std::int64_t row = 0; row < weights.rows; ++row) {
    Extent& extent = result[per_channel ? static_cast<std::size_t>(row) : 0];
    const ops::FloatRange range = ops::range_of(weights.row(row));
    extent.low = std::min(extent.low, range.lowest);
    extent.high = std::max(extent.high, range.highest);
  }
  return result;
}

float usable(float scale) { return scale >= std::numeric_limits<float>::min() ? scale : 1.0F; }

// The scale that lets [low, high] fit around a given zero point.
float scale_around(const Extent& extent, int zero_point, IntegerRange range) {
  const float below = zero_point > range.least ? -extent.low / static_cast<float>(zero_point - range.least) : extent.low < 0 ? INFINITY : 0;
  const float above = zero_point < range.most ? extent.high / static_cast<float>(range.most - zero_point) : extent.high > 0 ? INFINITY : 0;
  return std::max(below, above);
}

// The zero point for which the sum of squared scales, and with it the rounding noise, is least.
int shared_zero_point(const std::vector<Extent>& channels, IntegerRange range) {
  int best = (range.least + range.most + 1) / 2;
  double least = std::numeric_limits<double>::infinity();
  for (int zero_point = range.least; zero_point <= range.most; ++zero_point) {
    double noise = 0;
    for (const Extent& channel : channels) {
      const double scale = static_cast<double>(scale_around(channel, zero_point, range));
      noise += scale * scale;
    }
    if (noise < least) {
      least = noise;
      best = zero_point;
    }
  }
  return best;
}

}  // namespace

QuantizedMatrix quantize_integer_weights(const WeightMatrix& weights, const IntegerWeights& how) {
  QuantizedMatrix result{.rows = weights.rows,
                         .columns = weights.columns,
                         .group = weights.columns,
                         .per_tensor = !how.per_channel,
                         .range = {},
                         .codes = {},
                         .scales = {},
                         .zero_points = {}};
  result.range = how.symmetric ? (how.reduce_range ? IntegerRange{-64, 64} : narrow_range(8))
                               : (how.reduce_range ? unsigned_range(7) : unsigned_range(8));
  const std::vector<Extent> channels = extents(weights, how.per_channel);
  const int zero_point = how.symmetric ? 0 : shared_zero_point(channels, result.range);
  for (const Extent& channel : channels) {
    const float scale = how.symmetric ? std::max(-channel.low, channel.high) / static_cast<float>(result.range.most)
                                      : scale_around(channel, zero_point, result.range);
    result.scales.push_back(usable(scale));
    result.zero_points.push_back(zero_point);
  }
  for (std::size_t row = 0; row < how.least_scales.size(); ++row) {
    float& scale = result.scales[how.per_channel ? row : 0];
    scale = std::max(scale, how.least_scales[row]);
  }
  result.codes.resize(weights.elements.size());
  for (std::int64_t row = 0; row < weights.rows; ++row) {
    const AffineParameters parameters = result.parameters(row, 0);
    const auto elements = weights.row(row);
    ops::quantize_to(std::span(result.codes).subspan(static_cast<std::size_t>(row * weights.columns), elements.size()), elements,
                     parameters.scale, parameters.zero_point, result.range.least, result.range.most);
  }
  return result;
}

}  // namespace titrate::engine
