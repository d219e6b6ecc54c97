// A permutation that depends on nothing but its seed: the same on every platform and standard library, unlike std::shuffle.
#pragma once

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

namespace titrate {

/// SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
class SplitMix64 {
 public:
  explicit SplitMix64(std::uint64_t seed) : state_(seed) {}

  [[nodiscard]] std::uint64_t operator()() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
  }

  /// Uniform in 0..limit-1, limit > 0: draws below 2^64 mod limit are drawn again, so that no number is more likely.
  [[nodiscard]] std::uint64_t below(std::uint64_t limit) {
    const std::uint64_t uneven = (0 - limit) % limit;
    std::uint64_t draw = (*this)();
    while (draw < uneven) draw = (*this)();
    return draw % limit;
  }

 private:
  std::uint64_t state_;
};

/// 0..size-1 in random order: Fisher and Yates, from the back.
[[nodiscard]] inline std::vector<std::size_t> permutation(std::size_t size, std::uint64_t seed) {
  std::vector<std::size_t> order(size);
  std::iota(order.begin(), order.end(), std::size_t{0});
  SplitMix64 random(seed);
  for (std::size_t last = size; last > 1; --last) std::swap(order[last - 1], order[random.below(last)]);
  return order;
}

}  // namespace titrate
