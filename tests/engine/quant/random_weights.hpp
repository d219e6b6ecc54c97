// Random weights that are the same on every machine and with every standard library.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>

#include "engine/quant/weight_matrix.hpp"

namespace titrate::engine {

/// SplitMix64 (Steele, Lea, Flood 2014).
class RandomNumbers {
 public:
  explicit RandomNumbers(std::uint64_t seed) : state_(seed) {}

  /// Uniform in (0, 1).
  [[nodiscard]] double next() {
    state_ += 0x9e3779b97f4a7c15ULL;
    std::uint64_t mixed = state_;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9ULL;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebULL;
    mixed ^= mixed >> 31;
    return (static_cast<double>(mixed >> 11) + 0.5) * 0x1p-53;
  }

 private:
  std::uint64_t state_;
};

enum class Distribution { gauss, laplace, uniform };

[[nodiscard]] inline double draw(RandomNumbers& numbers, Distribution distribution) {
  const double first = numbers.next();
  if (distribution == Distribution::uniform) return 2 * first - 1;
  if (distribution == Distribution::laplace) return first < 0.5 ? std::log(2 * first) : -std::log(2 * (1 - first));
  // Box and Muller's transform.
  return std::sqrt(-2 * std::log(first)) * std::cos(2 * std::numbers::pi * numbers.next());
}

[[nodiscard]] inline WeightMatrix random_weights(Distribution distribution, std::int64_t rows, std::int64_t columns,
                                                 std::uint64_t seed = 7) {
  WeightMatrix weights{.rows = rows, .columns = columns, .elements = {}, .transposed = false};
  weights.elements.resize(static_cast<std::size_t>(rows * columns));
  RandomNumbers numbers(seed);
  for (float& element : weights.elements) element = static_cast<float>(draw(numbers, distribution));
  return weights;
}

}  // namespace titrate::engine
