// The dot product of two rows in an order that depends on their length alone: element i goes to lane i % 8, then lanes are joined.
#pragma once

#include <cstdint>
#include <type_traits>

namespace titrate::engine::ops {

/// Integers wrap around.
template <class T>
T dot(const T* left, const T* right, std::int64_t count) {
  using Total = std::conditional_t<std::is_floating_point_v<T>, T, std::uint64_t>;
  constexpr std::int64_t lanes = 8;
  Total sums[lanes] = {};
  std::int64_t index = 0;
  for (; index + lanes <= count; index += lanes) {
    for (std::int64_t lane = 0; lane < lanes; ++lane) {
      sums[lane] += static_cast<Total>(left[index + lane]) * static_cast<Total>(right[index + lane]);
    }
  }
  for (; index < count; ++index) sums[index % lanes] += static_cast<Total>(left[index]) * static_cast<Total>(right[index]);
  for (std::int64_t width = lanes / 2; width > 0; width /= 2) {
    for (std::int64_t lane = 0; lane < width; ++lane) sums[lane] += sums[lane + width];
  }
  return static_cast<T>(sums[0]);
}

}  // namespace titrate::engine::ops
