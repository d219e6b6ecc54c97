// The outputs of a row of which no tap is in front of the first column or behind the last.
#pragma once

#include <cstddef>

namespace titrate::kernels {

struct InnerColumns {
  std::size_t first;
  std::size_t last;  ///< behind the last one

  /// `reach`: columns from a window's first tap to its last, (kernel - 1) * dilation + 1.
  [[gnu::always_inline]] InnerColumns(std::size_t columns, std::size_t reach, std::size_t stride, std::ptrdiff_t pad, std::size_t outputs) {
    const auto step = static_cast<std::ptrdiff_t>(stride);
    const auto count = static_cast<std::ptrdiff_t>(outputs);
    const std::ptrdiff_t room = static_cast<std::ptrdiff_t>(columns) - static_cast<std::ptrdiff_t>(reach) + pad;  // for the last window
    const std::ptrdiff_t unpadded = pad <= 0 ? 0 : (pad + step - 1) / step;
    const std::ptrdiff_t begin = unpadded < count ? unpadded : count;
    const std::ptrdiff_t fitting = room < 0 ? 0 : room / step + 1;
    const std::ptrdiff_t end = fitting < count ? fitting : count;
    first = static_cast<std::size_t>(begin);
    last = static_cast<std::size_t>(end < begin ? begin : end);
  }
};

}  // namespace titrate::kernels
