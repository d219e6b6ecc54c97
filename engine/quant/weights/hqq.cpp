#include "engine/quant/weights/hqq.hpp"

#include <algorithm>
#include <cmath>

#include "engine/quant/round_to_nearest.hpp"

namespace titrate::engine {
namespace {

constexpr double norm = 0.7;
constexpr double beta_begin = 10;
constexpr double beta_growth = 1.01;
constexpr int iterations = 20;
// beta is absolute: scales are brought here, where its first value was chosen (B6, traps).
constexpr double usual_scale = 0.05;

// The p-norm's proximal step: what is left of an error.
double shrunk(double error, double beta) {
  if (error == 0) return 0;
  const double magnitude = std::fabs(error);
  return std::copysign(std::max(magnitude - std::pow(magnitude, norm - 1) / beta, 0.0), error);
}

double code_of(double element, double scale, double zero_point, int most) {
  return std::clamp<double>(std::nearbyint(element / scale + zero_point), 0, most);
}

double norm_of_errors(std::span<const float> elements, AffineParameters parameters, IntegerRange range) {
  double sum = 0;
  for (const float element : elements) {
    const double error = static_cast<double>(element) - static_cast<double>(dequantize(quantize(element, parameters, range), parameters));
    sum += std::pow(std::fabs(error), norm);
  }
  return sum;
}

// Improves one group of a matrix that holds round to nearest.
void improve(const WeightMatrix& weights, std::int64_t row, std::int64_t group, QuantizedMatrix& quantized) {
  const std::int64_t begin = group * quantized.group;
  const auto count = static_cast<std::size_t>(std::min(quantized.group, quantized.columns - begin));
  const auto elements = weights.row(row).subspan(static_cast<std::size_t>(begin), count);
  const auto index = static_cast<std::size_t>(row * quantized.groups() + group);
  const AffineParameters nearest = quantized.parameters(row, begin);
  const double factor = usual_scale / static_cast<double>(nearest.scale);
  std::vector<double> scaled(count);
  std::transform(elements.begin(), elements.end(), scaled.begin(), [&](float element) { return static_cast<double>(element) * factor; });
  const auto [lowest, highest] = std::minmax_element(scaled.begin(), scaled.end());
  if (!(*lowest < *highest)) return;
  const double scale = (*highest - *lowest) / quantized.range.most / factor;
  const FittedZeroPoint fitted = fit_zero_point(scaled, quantized.range.most);
  const double rounded = std::clamp<double>(std::nearbyint(fitted.zero_point), 0, quantized.range.most);
  const AffineParameters own{.scale = static_cast<float>(scale), .zero_point = static_cast<std::int32_t>(rounded)};
  if (!std::isnormal(own.scale)) return;
  if (!(norm_of_errors(elements, own, quantized.range) < norm_of_errors(elements, nearest, quantized.range))) return;
  quantized.scales[index] = own.scale;
  quantized.zero_points[index] = own.zero_point;
  for (std::size_t column = 0; column < count; ++column) {
    quantized.codes[static_cast<std::size_t>(row * quantized.columns + begin) + column] =
        static_cast<std::int16_t>(quantize(elements[column], own, quantized.range));
  }
}

}  // namespace

FittedZeroPoint fit_zero_point(std::span<const double> elements, int most) {
  const auto [lowest, highest] = std::minmax_element(elements.begin(), elements.end());
  const double scale = (*highest - *lowest) / most;
  const auto count = static_cast<double>(elements.size());
  double zero_point = -*lowest / scale;
  double beta = beta_begin;
  FittedZeroPoint best{.zero_point = zero_point, .mean_error = HUGE_VAL};
  for (int iteration = 0; iteration < iterations; ++iteration) {
    double error = 0;
    double next = 0;
    for (const double element : elements) {
      const double code = code_of(element, scale, zero_point, most);
      const double rest = element - (code - zero_point) * scale;
      error += std::fabs(rest);
      next += code - (element - shrunk(rest, beta)) / scale;
    }
    if (!(error / count < best.mean_error - 1e-9)) break;
    best = {.zero_point = zero_point, .mean_error = error / count};
    zero_point = next / count;
    beta *= beta_growth;
  }
  return best;
}

QuantizedMatrix hqq(const WeightMatrix& weights, int bits, std::int64_t group_size) {
  QuantizedMatrix quantized =
      quantize_weights(weights, {.bits = bits, .mode = WeightMode::asymmetric, .group_size = group_size, .search_clip = false});
#pragma omp parallel for schedule(static)
  for (std::int64_t row = 0; row < quantized.rows; ++row) {
    for (std::int64_t group = 0; group < quantized.groups(); ++group) improve(weights, row, group, quantized);
  }
  return quantized;
}

}  // namespace titrate::engine
