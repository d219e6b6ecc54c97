// Images in blocks of channels for tests, made element by element, without the kernels under test.
#pragma once

#include <bit>
#include <cstdint>
#include <random>
#include <vector>

#include "engine/kernels/channel_blocks/layout.hpp"

namespace titrate::kernels {

struct ImageSizes {
  std::size_t batch, channels, pixels;
};

/// [N, C, pixels] as [N, blocks, pixels, lanes]; lanes without a channel hold `rest`.
inline std::vector<float> in_blocks(const std::vector<float>& planes, const ImageSizes& sizes, std::size_t lanes, float rest) {
  const std::size_t blocks = block_count(sizes.channels, lanes);
  std::vector<float> made(sizes.batch * blocks * sizes.pixels * lanes, rest);
  for (std::size_t sample = 0; sample < sizes.batch; ++sample) {
    for (std::size_t channel = 0; channel < sizes.channels; ++channel) {
      for (std::size_t pixel = 0; pixel < sizes.pixels; ++pixel) {
        made[((sample * blocks + channel / lanes) * sizes.pixels + pixel) * lanes + channel % lanes] =
            planes[(sample * sizes.channels + channel) * sizes.pixels + pixel];
      }
    }
  }
  return made;
}

/// The other way round.
inline std::vector<float> in_planes(const std::vector<float>& blocked, const ImageSizes& sizes, std::size_t lanes) {
  const std::size_t blocks = block_count(sizes.channels, lanes);
  std::vector<float> made;
  for (std::size_t sample = 0; sample < sizes.batch; ++sample) {
    for (std::size_t channel = 0; channel < sizes.channels; ++channel) {
      for (std::size_t pixel = 0; pixel < sizes.pixels; ++pixel) {
        made.push_back(blocked[((sample * blocks + channel / lanes) * sizes.pixels + pixel) * lanes + channel % lanes]);
      }
    }
  }
  return made;
}

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
