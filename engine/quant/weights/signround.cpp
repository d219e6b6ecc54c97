#include "engine/quant/weights/signround.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/quant/weights/gradient.hpp"

namespace titrate::engine {
namespace {

// Scales may shrink to half and grow by a tenth.
constexpr float least_factor = 0.5F;
constexpr float most_factor = 1.1F;

float sign(float number) { return number > 0 ? 1.0F : number < 0 ? -1.0F : 0.0F; }

class Learner {
 public:
  Learner(const WeightMatrix& target, const PackedGram& gram, QuantizedMatrix& quantized)
      : target_(target),
        best_(quantized),
        current_(quantized),
        gradient_of_(target, gram),
        least_error_(static_cast<std::size_t>(quantized.rows), std::numeric_limits<double>::infinity()) {
    offsets_.resize(target_.elements.size());
    factors_.assign(quantized.scales.size(), 1.0F);
    factor_gradient_.resize(quantized.scales.size());
    weights_.resize(target_.elements.size());
    gradient_.resize(target_.elements.size());
    start_scales_ = quantized.scales;
    for (std::size_t index = 0; index < target_.elements.size(); ++index) groups_.push_back(group_of(index));
  }

  void learn(int iterations, const std::function<bool()>& cancelled) {
    for (int step = 0; step <= iterations; ++step) {
      if (cancelled && cancelled()) return;
      round();
      keep_better(gradient_of_.compute(weights_, gradient_));
      // The step size falls from 1 / iterations to 0: all offsets can cross the whole of [-0.5, 0.5].
      const float rate = static_cast<float>(iterations - step) / (static_cast<float>(iterations) * static_cast<float>(iterations));
      move(rate);
    }
  }

 private:
  // Of scales: the place of a weight's.
  [[nodiscard]] std::size_t group_of(std::size_t index) const {
    if (current_.per_tensor) return 0;
    const auto columns = static_cast<std::size_t>(current_.columns);
    const auto group = static_cast<std::size_t>(current_.group);
    return index / columns * static_cast<std::size_t>(current_.groups()) + index % columns / group;
  }

  void round() {
    for (std::size_t group = 0; group < factors_.size(); ++group) current_.scales[group] = start_scales_[group] * factors_[group];
    for (std::size_t index = 0; index < weights_.size(); ++index) {
      const std::size_t group = groups_[index];
      const float scale = current_.scales[group];
      const float zero_point = static_cast<float>(current_.zero_points[group]);
      const float code = std::clamp(std::nearbyint(target_.elements[index] / scale + offsets_[index]) + zero_point,
                                    static_cast<float>(current_.range.least), static_cast<float>(current_.range.most));
      current_.codes[index] = static_cast<std::int16_t>(code);
      weights_[index] = (code - zero_point) * scale;
    }
  }

  void keep_better(const std::vector<double>& errors) {
    const auto columns = static_cast<std::ptrdiff_t>(current_.columns);
    const auto groups = static_cast<std::ptrdiff_t>(current_.per_tensor ? 0 : current_.groups());
    for (std::size_t row = 0; row < errors.size(); ++row) {
      if (!(errors[row] < least_error_[row])) continue;
      least_error_[row] = errors[row];
      const auto place = static_cast<std::ptrdiff_t>(row);
      std::copy_n(current_.codes.begin() + place * columns, columns, best_.codes.begin() + place * columns);
      std::copy_n(current_.scales.begin() + place * groups, groups, best_.scales.begin() + place * groups);
    }
  }

  // Straight through the rounding: d w^ / d offset = scale inside the range, 0 outside; d w^ / d scale = code - zero point - w / scale
  // inside, code - zero point outside (algorithms B12).
  void move(float rate) {
    std::fill(factor_gradient_.begin(), factor_gradient_.end(), 0.0F);
    for (std::size_t index = 0; index < weights_.size(); ++index) {
      const std::size_t group = groups_[index];
      const float steps = target_.elements[index] / current_.scales[group];
      const int code = current_.codes[index];
      const bool inside = code > current_.range.least && code < current_.range.most;
      const float slope = static_cast<float>(code - current_.zero_points[group]) - (inside ? steps : 0.0F);
      factor_gradient_[group] += gradient_[index] * slope * start_scales_[group];
      if (inside) offsets_[index] = std::clamp(offsets_[index] - rate * sign(gradient_[index]), -0.5F, 0.5F);
    }
    if (current_.per_tensor) return;
    for (std::size_t group = 0; group < factors_.size(); ++group)
      factors_[group] = std::clamp(factors_[group] - rate * sign(factor_gradient_[group]), least_factor, most_factor);
  }

  const WeightMatrix& target_;
  QuantizedMatrix& best_;
  QuantizedMatrix current_;
  OutputGradient gradient_of_;
  std::vector<double> least_error_;  // of each row so far
  std::vector<std::size_t> groups_;  // of each weight
  std::vector<float> offsets_;       // before rounding, in [-0.5, 0.5]
  std::vector<float> factors_;       // of the scales
  std::vector<float> factor_gradient_;
  std::vector<float> start_scales_;
  std::vector<float> weights_;
  std::vector<float> gradient_;
};

}  // namespace

void signround(const LayerProblem& problem, int iterations, QuantizedMatrix& quantized) {
  for_each_row_block(problem, quantized, [&](const WeightMatrix& target, const PackedGram& gram, QuantizedMatrix& part) {
    Learner(target, gram, part).learn(iterations, problem.cancelled);
  });
}

}  // namespace titrate::engine
