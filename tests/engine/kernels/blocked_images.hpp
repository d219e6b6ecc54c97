// Images turned into blocks of channels and back, as the layout's definition says (engine/kernels/channel_blocks/layout.hpp).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/kernels/channel_blocks/layout.hpp"

namespace titrate::kernels {

/// Behind the last channel stands a number that would show in every sum.
inline std::vector<float> images_in_blocks(std::span<const float> planes, std::int64_t batch, std::int64_t channels, std::int64_t pixels,
                                           std::size_t lanes) {
  const auto width = static_cast<std::int64_t>(lanes);
  const auto blocks = static_cast<std::int64_t>(block_count(static_cast<std::size_t>(channels), lanes));
  std::vector<float> result(static_cast<std::size_t>(batch * blocks * width * pixels), 77.0F);
  for (std::int64_t index = 0; index < batch * channels * pixels; ++index) {
    const std::int64_t image = index / pixels / channels;
    const std::int64_t channel = index / pixels % channels;
    const std::int64_t place = ((image * blocks + channel / width) * pixels + index % pixels) * width + channel % width;
    result[static_cast<std::size_t>(place)] = planes[static_cast<std::size_t>(index)];
  }
  return result;
}

inline std::vector<float> images_in_planes(std::span<const float> in_blocks, std::int64_t batch, std::int64_t channels, std::int64_t pixels,
                                           std::size_t lanes) {
  const auto width = static_cast<std::int64_t>(lanes);
  const auto blocks = static_cast<std::int64_t>(block_count(static_cast<std::size_t>(channels), lanes));
  std::vector<float> result(static_cast<std::size_t>(batch * channels * pixels));
  for (std::int64_t index = 0; index < batch * channels * pixels; ++index) {
    const std::int64_t image = index / pixels / channels;
    const std::int64_t channel = index / pixels % channels;
    const std::int64_t place = ((image * blocks + channel / width) * pixels + index % pixels) * width + channel % width;
    result[static_cast<std::size_t>(index)] = in_blocks[static_cast<std::size_t>(place)];
  }
  return result;
}

}  // namespace titrate::kernels
