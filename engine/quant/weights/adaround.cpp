#include "engine/quant/weights/adaround.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "engine/quant/weights/gradient.hpp"

namespace titrate::engine {
namespace {

// The stretched sigmoid of the paper: from -0.1 to 1.1.
constexpr double stretch = 1.2;
constexpr double shift = -0.1;

// beta falls from `sharpest` to `dullest` along half a cosine after `warm_up` of the steps, in which there is no regularizer.
constexpr double beta_begin = 20;
constexpr double beta_end = 2;
constexpr double warm_up = 0.2;
constexpr double regularizer_weight = 0.01;
// The output error is brought to this much a weight for round to nearest: then deciding a weight costs about as much as it may gain.
constexpr double nearest_error = 0.05;

constexpr float learning_rate = 0.01F;
constexpr float first_decay = 0.9F;
constexpr float second_decay = 0.999F;

double sigmoid(double v) { return 1 / (1 + std::exp(-v)); }

double beta_at(double progress) {
  const double rest = (progress - warm_up) / (1 - warm_up);
  return beta_end + (beta_begin - beta_end) * 0.5 * (1 + std::cos(rest * std::numbers::pi));
}

class Learner {
 public:
  Learner(const WeightMatrix& target, const PackedGram& gram, QuantizedMatrix& quantized)
      : target_(target), quantized_(quantized), count_(target.elements.size()), gradient_of_(target, gram) {
    scales_.resize(count_);
    least_.resize(count_);
    most_.resize(count_);
    ups_.resize(count_);
    slopes_.resize(count_);
    floors_.resize(count_);
    variables_.resize(count_);
    first_.resize(count_);
    second_.resize(count_);
    weights_.resize(count_);
    gradient_.resize(count_);
    for (std::int64_t row = 0; row < quantized.rows; ++row) {
      for (std::int64_t column = 0; column < quantized.columns; ++column) start(row, column);
    }
    factor_ = scale_of_error();
  }

  void learn(int iterations, const std::function<bool()>& cancelled) {
    for (int step = 0; step < iterations; ++step) {
      if (cancelled && cancelled()) return;
      const double progress = static_cast<double>(step) / iterations;
      soften();
      (void)gradient_of_.compute(weights_, gradient_);
      const bool regularized = progress >= warm_up;
      update(step + 1, regularized ? beta_at(progress) : 0, regularized);
    }
    for (std::size_t index = 0; index < count_; ++index)
      quantized_.codes[index] = code(index, rounded_up(variables_[index]) >= 0.5 ? 1 : 0);
  }

 private:
  [[nodiscard]] AffineParameters parameters(std::size_t index) const {
    const auto columns = static_cast<std::size_t>(quantized_.columns);
    return quantized_.parameters(static_cast<std::int64_t>(index / columns), static_cast<std::int64_t>(index % columns));
  }

  void start(std::int64_t row, std::int64_t column) {
    const auto index = static_cast<std::size_t>(row * quantized_.columns + column);
    const AffineParameters own = quantized_.parameters(row, column);
    scales_[index] = own.scale;
    least_[index] = static_cast<float>(quantized_.range.least - own.zero_point);
    most_[index] = static_cast<float>(quantized_.range.most - own.zero_point);
    const double steps = static_cast<double>(target_.elements[index]) / static_cast<double>(own.scale);
    floors_[index] = static_cast<float>(std::floor(steps));
    variables_[index] = static_cast<float>(rounding_variable(steps - std::floor(steps)));
  }

  std::int16_t code(std::size_t index, int up) const {
    const double wanted = static_cast<double>(floors_[index]) + up + parameters(index).zero_point;
    return static_cast<std::int16_t>(std::clamp<double>(wanted, quantized_.range.least, quantized_.range.most));
  }

  // The error of round to nearest says how large errors are in this layer.
  double scale_of_error() {
    for (std::size_t index = 0; index < count_; ++index)
      weights_[index] = dequantize(code(index, variables_[index] >= 0 ? 1 : 0), parameters(index));
    double total = 0;
    for (const double error : gradient_of_.compute(weights_, gradient_)) total += error;
    return total > 0 ? nearest_error * static_cast<double>(count_) / total : 1;
  }

  // Also keeps the slopes d rounded_up / dv, so that each step takes one exponential a weight.
  void soften() {
    for (std::size_t index = 0; index < count_; ++index) {
      const float s = 1 / (1 + std::exp(-variables_[index]));
      const float up = std::clamp(static_cast<float>(stretch) * s + static_cast<float>(shift), 0.0F, 1.0F);
      ups_[index] = up;
      slopes_[index] = up > 0 && up < 1 ? static_cast<float>(stretch) * s * (1 - s) : 0.0F;
      weights_[index] = std::clamp(floors_[index] + up, least_[index], most_[index]) * scales_[index];
    }
  }

  // Adam.
  void update(int step, double beta, bool regularized) {
    const float first_factor = 1 / (1 - std::pow(first_decay, static_cast<float>(step)));
    const float second_factor = 1 / (1 - std::pow(second_decay, static_cast<float>(step)));
    for (std::size_t index = 0; index < count_; ++index) {
      float along = gradient_[index] * static_cast<float>(factor_) * scales_[index] * slopes_[index];
      if (regularized && slopes_[index] > 0) {
        const float away = 2 * ups_[index] - 1;
        const float slope = -2 * static_cast<float>(beta) * std::pow(std::fabs(away), static_cast<float>(beta) - 1);
        along += static_cast<float>(regularizer_weight) * (away < 0 ? -slope : slope) * slopes_[index];
      }
      first_[index] = first_decay * first_[index] + (1 - first_decay) * along;
      second_[index] = second_decay * second_[index] + (1 - second_decay) * along * along;
      variables_[index] -= learning_rate * (first_[index] * first_factor) / (std::sqrt(second_[index] * second_factor) + 1e-8F);
    }
  }

  const WeightMatrix& target_;
  QuantizedMatrix& quantized_;
  std::size_t count_;
  OutputGradient gradient_of_;
  std::vector<float> scales_;  // of each weight
  std::vector<float> least_;   // code less zero point
  std::vector<float> most_;
  std::vector<float> floors_;     // of weight / scale
  std::vector<float> variables_;  // v
  std::vector<float> ups_;        // rounded_up(v)
  std::vector<float> slopes_;     // its derivative
  std::vector<float> first_;      // Adam's moments
  std::vector<float> second_;
  std::vector<float> weights_;  // dequantized, rounded softly
  std::vector<float> gradient_;
  double factor_ = 1;
};

}  // namespace

double rounded_up(double v) { return std::clamp(stretch * sigmoid(v) + shift, 0.0, 1.0); }

double rounding_variable(double fraction) { return -std::log(stretch / (fraction - shift) - 1); }

double undecided(double v, double beta) { return 1 - std::pow(std::fabs(2 * rounded_up(v) - 1), beta); }

double undecided_slope(double v, double beta) {
  const double up = rounded_up(v);
  if (up <= 0 || up >= 1) return 0;
  const double away = 2 * up - 1;
  const double slope = stretch * sigmoid(v) * (1 - sigmoid(v));
  return -2 * beta * std::pow(std::fabs(away), beta - 1) * (away < 0 ? -1 : 1) * slope;
}

void adaround(const LayerProblem& problem, int iterations, QuantizedMatrix& quantized) {
  for_each_row_block(problem, quantized, [&](const WeightMatrix& target, const PackedGram& gram, QuantizedMatrix& part) {
    Learner(target, gram, part).learn(iterations, problem.cancelled);
  });
}

}  // namespace titrate::engine
