// Random numbers for tests, and the comparison bit by bit.
#pragma once

#include <bit>
#include <cstdint>
#include <random>
#include <vector>

namespace titrate::kernels {

/// As they are in memory: NaN equals NaN, zeros of different signs differ.
inline std::vector<std::uint32_t> bits_of(const std::vector<float>& numbers) {
  std::vector<std::uint32_t> bits;
  for (const float number : numbers) bits.push_back(std::bit_cast<std::uint32_t>(number));
  return bits;
}

inline std::vector<float> random_numbers(std::size_t count, std::mt19937& random) {
  std::uniform_real_distribution<float> distribution(-1, 1);
  std::vector<float> all(count);
  for (float& value : all) value = distribution(random);
  return all;
}

}  // namespace titrate::kernels
