// A constant of the model that is trained.
#pragma once

#include <span>

#include "engine/graph/tensor.hpp"

namespace titrate::engine {

class LearnedConstant {
 public:
  virtual ~LearnedConstant() = default;

  /// What the model computes with now.
  [[nodiscard]] virtual Tensor value() const = 0;
  /// One step of the optimizer. `gradient`: in the elements' order of value(). `rate`: of weights in steps of their codes, of others
  /// relative to their size. `step`: 1, 2, ...
  virtual void descend(std::span<const float> gradient, float rate, int step) = 0;
};

}  // namespace titrate::engine
