// A bias, or a factor or summand of a normalization: floats that move freely.
#pragma once

#include "engine/quant/finetune/adam.hpp"
#include "engine/quant/finetune/learned_constant.hpp"

namespace titrate::engine {

class LearnedVector : public LearnedConstant {
 public:
  /// `size`: how large a change of 1 is, in the constant's units.
  LearnedVector(const Tensor& start, double size)
      : shape_(start.shape()),
        elements_(start.data<float>().begin(), start.data<float>().end()),
        size_(static_cast<float>(size)),
        optimizer_(elements_.size()) {}

  [[nodiscard]] Tensor value() const override { return Tensor::of<float>(shape_, elements_); }

  void descend(std::span<const float> gradient, float rate, int step) override {
    std::vector<float> moves(elements_.size());
    optimizer_.moves(gradient, step, moves);
    for (std::size_t index = 0; index < moves.size(); ++index) elements_[index] += rate * vector_rate * size_ * moves[index];
  }

 private:
  // A bias moves all of a channel's outputs at once.
  static constexpr float vector_rate = 0.1F;

  Shape shape_;
  std::vector<float> elements_;
  float size_;
  Adam optimizer_;
};

}  // namespace titrate::engine
