#include "engine/quant/weights/hqq.hpp"

#include <algorithm>
#include <cmath>

#include "engine/quant/round_to_nearest.hpp"

namespace titrate::engine {
namespace {

constexpr double beta_begin = 10;
constexpr double beta_growth = 1.01;
constexpr int iterations = 20;
// beta is absolute: scales are brought here, where its first value was chosen (B6, traps).
constexpr double usual_scale = 0.05;

// The p-norm's proximal step: what is left of an error.
double shrunk(double error, double beta) {
  if (error == 0) return 0;
  const double magnitude = std::fabs(error);
  return std::copysign(std::max(magnitude - std::pow(magnitude, sparse_errors - 1) / beta, 0.0), error);
}

double code_of(double element, double scale, double zero_point, int most) {
  return std::clamp<double>(std::nearbyint(element / scale + zero_point), 0, most);
}

// One group of weights, and the best grid for it so far: that with the least sum of |error|^power.
class Group {
 public:
  Group(std::span<const float> elements, IntegerRange range, double power, AffineParameters first)
      : elements_(elements), range_(range), power_(power), best_(first), least_(error_of(first)) {}

  [[nodiscard]] AffineParameters best() const { return best_; }

  // Tries the grid, then its scale fitted to the codes it gives and the zero points beside it, for as long as that helps.
  void try_from(AffineParameters start) {
    AffineParameters current = start;
    double error = error_of(current);
    for (int round = 0; round < most_rounds; ++round) {
      AffineParameters next = current;
      double next_error = error;
      for (const std::int32_t shift : {0, -1, 1}) {
        const std::int32_t zero_point = std::clamp(current.zero_point + shift, range_.least, range_.most);
        const AffineParameters candidate = fitted({.scale = current.scale, .zero_point = zero_point});
        if (const double own = error_of(candidate); own < next_error) {
          next = candidate;
          next_error = own;
        }
      }
      if (!(next_error < error)) break;
      current = next;
      error = next_error;
    }
    if (!(error < least_)) return;
    least_ = error;
    best_ = current;
  }

 private:
  static constexpr int most_rounds = 20;

  [[nodiscard]] double error_of(AffineParameters grid) const {
    double sum = 0;
    for (const float element : elements_) {
      const double error = static_cast<double>(element) - static_cast<double>(dequantize(quantize(element, grid, range_), grid));
      sum += power_ == 2 ? error * error : std::pow(std::fabs(error), power_);
    }
    return sum;
  }

  // The scale of least squared error for the codes that this grid gives (B10).
  [[nodiscard]] AffineParameters fitted(AffineParameters grid) const {
    double along = 0;
    double energy = 0;
    for (const float element : elements_) {
      const double steps = quantize(element, grid, range_) - grid.zero_point;
      along += steps * static_cast<double>(element);
      energy += steps * steps;
    }
    const auto scale = static_cast<float>(along / energy);
    if (std::isnormal(scale) && scale > 0) grid.scale = scale;
    return grid;
  }

  std::span<const float> elements_;
  IntegerRange range_;
  double power_;
  AffineParameters best_;
  double least_;
};

// Improves one group of a matrix that holds round to nearest.
void improve(const WeightMatrix& weights, std::int64_t row, std::int64_t group, double power, QuantizedMatrix& quantized) {
  const std::int64_t begin = group * quantized.group;
  const auto count = static_cast<std::size_t>(std::min(quantized.group, quantized.columns - begin));
  const auto elements = weights.row(row).subspan(static_cast<std::size_t>(begin), count);
  const auto index = static_cast<std::size_t>(row * quantized.groups() + group);
  const AffineParameters nearest = quantized.parameters(row, begin);
  const auto [lowest, highest] = std::minmax_element(elements.begin(), elements.end());
  const float scale = (*highest - *lowest) / static_cast<float>(quantized.range.most);
  if (!std::isnormal(scale)) return;
  std::vector<double> scaled(count);
  std::transform(elements.begin(), elements.end(), scaled.begin(),
                 [&](float element) { return static_cast<double>(element) * (usual_scale / static_cast<double>(scale)); });
  const FittedZeroPoint fitted = fit_zero_point(scaled, quantized.range.most);
  const double zero_point = std::clamp<double>(std::nearbyint(fitted.zero_point), 0, quantized.range.most);
  Group search(elements, quantized.range, power, nearest);
  search.try_from(nearest);
  search.try_from({.scale = scale, .zero_point = static_cast<std::int32_t>(zero_point)});
  const AffineParameters own = search.best();
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

QuantizedMatrix hqq(const WeightMatrix& weights, int bits, std::int64_t group_size, double power) {
  QuantizedMatrix quantized =
      quantize_weights(weights, {.bits = bits, .mode = WeightMode::asymmetric, .group_size = group_size, .search_clip = true});
#pragma omp parallel for schedule(static)
  for (std::int64_t row = 0; row < quantized.rows; ++row) {
    for (std::int64_t group = 0; group < quantized.groups(); ++group) improve(weights, row, group, power, quantized);
  }
  return quantized;
}

}  // namespace titrate::engine
