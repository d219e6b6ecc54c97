// The optimizer Adam (arXiv 1412.6980) without weight decay: how far each number moves does not depend on how large its gradients are.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace titrate::engine {

class Adam {
 public:
  explicit Adam(std::size_t count) : first_(count), second_(count) {}

  /// The moves along negative gradients, about 1 in magnitude where gradients agree, for step 1, 2, ...
  void moves(std::span<const float> gradient, int step, std::span<float> moves);

 private:
  std::vector<float> first_;   // moving mean of the gradients
  std::vector<float> second_;  // and of their squares
};

}  // namespace titrate::engine
