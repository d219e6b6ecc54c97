#include "engine/kernels/convolution/blocked_rows.hpp"

#include <algorithm>
#include <cstring>

namespace titrate::kernels {

ImageRows copy_padded(const GroupedImage& image, const RowRange& range, float* target) {
  const std::size_t size = image.neighbours;
  const std::size_t left = std::min(range.left, range.pitch);
  const std::size_t inside = std::min(image.columns, range.pitch - left);
  const std::size_t right = range.pitch - left - inside;
  float* row = target;
  for (std::size_t group = 0; group < image.channel_groups; ++group) {
    const float* plane = image.pixels + group * image.rows * image.columns * size;
    for (std::size_t index = 0; index < range.count; ++index, row += range.pitch * size) {
      const std::ptrdiff_t source = range.top + static_cast<std::ptrdiff_t>(index);
      if (source < 0 || source >= static_cast<std::ptrdiff_t>(image.rows)) {
        std::fill_n(row, range.pitch * size, 0.0F);
        continue;
      }
      std::fill_n(row, left * size, 0.0F);
      std::memcpy(row + left * size, plane + static_cast<std::size_t>(source) * image.columns * size, inside * size * sizeof(float));
      std::fill_n(row + (left + inside) * size, right * size, 0.0F);
    }
  }
  return {.first = target, .row_stride = range.pitch * size, .group_stride = range.count * range.pitch * size};
}

}  // namespace titrate::kernels
