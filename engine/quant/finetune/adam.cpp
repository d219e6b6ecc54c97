#include "engine/quant/finetune/adam.hpp"

#include <cmath>

namespace titrate::engine {
namespace {

constexpr float first_decay = 0.9F;
constexpr float second_decay = 0.999F;
// Losses are relative to the outputs' energy, so gradients are small numbers.
constexpr float epsilon = 1e-12F;

}  // namespace

void Adam::moves(std::span<const float> gradient, int step, std::span<float> moves) {
  const float first_factor = 1 / (1 - std::pow(first_decay, static_cast<float>(step)));
  const float second_factor = 1 / (1 - std::pow(second_decay, static_cast<float>(step)));
  for (std::size_t index = 0; index < gradient.size(); ++index) {
    first_[index] = first_decay * first_[index] + (1 - first_decay) * gradient[index];
    second_[index] = second_decay * second_[index] + (1 - second_decay) * gradient[index] * gradient[index];
    moves[index] = -first_[index] * first_factor / (std::sqrt(second_[index] * second_factor) + epsilon);
  }
}

}  // namespace titrate::engine
