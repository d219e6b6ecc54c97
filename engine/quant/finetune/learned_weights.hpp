// Weights that are rounded to codes, with learned step sizes: what moves are the weights before rounding, and the scales of their groups.
#pragma once

#include "engine/quant/finetune/adam.hpp"
#include "engine/quant/finetune/learned_constant.hpp"
#include "engine/quant/weight_matrix.hpp"

namespace titrate::engine {

class LearnedWeights : public LearnedConstant {
 public:
  /// `start`: codes and scales to begin with, whatever found them; zero points and range stay. `weights`: the float ones, [rows, columns].
  /// `shape`: of the node's constant; `transposed`: it holds [columns, rows].
  LearnedWeights(const WeightMatrix& weights, QuantizedMatrix start, Shape shape, bool transposed);

  [[nodiscard]] Tensor value() const override;
  void descend(std::span<const float> gradient, float rate, int step) override;

  [[nodiscard]] const QuantizedMatrix& quantized() const { return quantized_; }

 private:
  [[nodiscard]] std::size_t group_of(std::size_t index) const;
  [[nodiscard]] std::size_t place_of(std::size_t index) const;
  void round();
  void move_weights(std::span<const float> gradient, float rate, int step);
  void move_scales(std::span<const float> gradient, float rate, int step);

  QuantizedMatrix quantized_;
  Shape shape_;
  bool transposed_;
  std::vector<float> latent_;  // before rounding
  std::vector<float> start_scales_;
  std::vector<float> factors_;       // of the scales
  std::vector<std::int64_t> sizes_;  // weights of each scale
  Adam weight_optimizer_;
  Adam scale_optimizer_;
};

}  // namespace titrate::engine
