// The scale of a value that is rounded to codes while the model runs.
#pragma once

#include <algorithm>

#include "engine/quant/finetune/adam.hpp"
#include "engine/quant/finetune/learned_constant.hpp"

namespace titrate::engine {

class LearnedStep : public LearnedConstant {
 public:
  /// `start`: one float32.
  explicit LearnedStep(const Tensor& start) : shape_(start.shape()), start_(start.data<float>()[0]), optimizer_(1) {}

  [[nodiscard]] float scale() const { return start_ * factor_; }
  [[nodiscard]] Tensor value() const override {
    const float now = scale();
    return Tensor::of<float>(shape_, std::span<const float>(&now, 1));
  }

  void descend(std::span<const float> gradient, float rate, int step) override {
    float move = 0;
    optimizer_.moves(gradient, step, std::span<float>(&move, 1));
    factor_ = std::clamp(factor_ + rate * scale_rate * move, least_factor, most_factor);
  }

 private:
  static constexpr float scale_rate = 0.2F;
  static constexpr float least_factor = 0.1F;
  static constexpr float most_factor = 10.0F;

  Shape shape_;
  float start_;
  float factor_ = 1;
  Adam optimizer_;
};

}  // namespace titrate::engine
