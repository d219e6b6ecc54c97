#include "engine/quant/finetune/learned_weights.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/quant/finetune/step_size.hpp"

namespace titrate::engine {
namespace {

// Weights begin within the code they were given, however far their own value is.
constexpr float widest_rest = 0.49F;
// Scales move slower than weights, which else would all change their codes at once.
constexpr float scale_rate = 0.2F;
constexpr float least_factor = 0.1F;
constexpr float most_factor = 10.0F;

}  // namespace

LearnedWeights::LearnedWeights(const WeightMatrix& weights, QuantizedMatrix start, Shape shape, bool transposed)
    : quantized_(std::move(start)),
      shape_(std::move(shape)),
      transposed_(transposed),
      latent_(weights.elements),
      start_scales_(quantized_.scales),
      factors_(quantized_.scales.size(), 1.0F),
      sizes_(quantized_.scales.size(), 0),
      weight_optimizer_(weights.elements.size()),
      scale_optimizer_(quantized_.scales.size()) {
  for (std::size_t index = 0; index < latent_.size(); ++index) {
    const std::size_t group = group_of(index);
    ++sizes_[group];
    const AffineParameters own{.scale = quantized_.scales[group], .zero_point = quantized_.zero_points[group]};
    if (quantize(latent_[index], own, quantized_.range) == quantized_.codes[index]) continue;
    const float rounded = dequantize(quantized_.codes[index], own);
    const float reach = widest_rest * std::fabs(own.scale);
    latent_[index] = std::clamp(latent_[index], rounded - reach, rounded + reach);
  }
}

std::size_t LearnedWeights::group_of(std::size_t index) const {
  if (quantized_.per_tensor) return 0;
  const auto columns = static_cast<std::size_t>(quantized_.columns);
  return index / columns * static_cast<std::size_t>(quantized_.groups()) + index % columns / static_cast<std::size_t>(quantized_.group);
}

// Of an element of the matrix in the node's constant.
std::size_t LearnedWeights::place_of(std::size_t index) const {
  const auto columns = static_cast<std::size_t>(quantized_.columns);
  return transposed_ ? index % columns * static_cast<std::size_t>(quantized_.rows) + index / columns : index;
}

Tensor LearnedWeights::value() const {
  Tensor tensor = Tensor::uninitialized(DataType::float32, shape_);
  const auto elements = tensor.mutable_data<float>();
  for (std::size_t index = 0; index < latent_.size(); ++index) {
    const std::size_t group = group_of(index);
    elements[place_of(index)] = dequantize(quantized_.codes[index], {quantized_.scales[group], quantized_.zero_points[group]});
  }
  return tensor;
}

void LearnedWeights::descend(std::span<const float> gradient, float rate, int step) {
  std::vector<float> ordered(latent_.size());
  for (std::size_t index = 0; index < ordered.size(); ++index) ordered[index] = gradient[place_of(index)];
  std::vector<float> by_weight(latent_.size());
  std::vector<float> by_scale(factors_.size(), 0.0F);
  for (std::size_t index = 0; index < ordered.size(); ++index) {
    const std::size_t group = group_of(index);
    const auto zero_point = static_cast<float>(quantized_.zero_points[group]);
    const StepSlopes slopes = step_slopes(latent_[index], quantized_.scales[group], static_cast<float>(quantized_.range.least) - zero_point,
                                          static_cast<float>(quantized_.range.most) - zero_point);
    by_weight[index] = ordered[index] * slopes.by_weight;
    by_scale[group] += ordered[index] * slopes.by_scale;
  }
  move_weights(by_weight, rate, step);
  move_scales(by_scale, rate, step);
  round();
}

void LearnedWeights::move_weights(std::span<const float> gradient, float rate, int step) {
  std::vector<float> moves(latent_.size());
  weight_optimizer_.moves(gradient, step, moves);
  for (std::size_t index = 0; index < moves.size(); ++index)
    latent_[index] += rate * std::fabs(start_scales_[group_of(index)]) * moves[index];
}

void LearnedWeights::move_scales(std::span<const float> gradient, float rate, int step) {
  std::vector<float> scaled(factors_.size());
  for (std::size_t group = 0; group < scaled.size(); ++group) {
    const auto most = static_cast<float>(
        std::max(quantized_.range.most - quantized_.zero_points[group], quantized_.zero_points[group] - quantized_.range.least));
    scaled[group] = gradient[group] * start_scales_[group] * step_gradient_factor(sizes_[group], most);
  }
  std::vector<float> moves(factors_.size());
  scale_optimizer_.moves(scaled, step, moves);
  for (std::size_t group = 0; group < moves.size(); ++group) {
    factors_[group] = std::clamp(factors_[group] + rate * scale_rate * moves[group], least_factor, most_factor);
    quantized_.scales[group] = start_scales_[group] * factors_[group];
  }
}

void LearnedWeights::round() {
  for (std::size_t index = 0; index < latent_.size(); ++index) {
    const std::size_t group = group_of(index);
    quantized_.codes[index] =
        static_cast<std::int16_t>(quantize(latent_[index], {quantized_.scales[group], quantized_.zero_points[group]}, quantized_.range));
  }
}

}  // namespace titrate::engine
