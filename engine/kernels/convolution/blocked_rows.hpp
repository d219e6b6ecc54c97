// A few rows of an image in blocks of channels, or in planes, with the zeros that a convolution reads around it.
#pragma once

#include <cstddef>

namespace titrate::kernels {

/// An image of which some channels lie side by side: [channel groups, rows, columns, neighbours].
struct GroupedImage {
  const float* pixels;
  std::size_t channel_groups;
  std::size_t rows;
  std::size_t columns;
  std::size_t neighbours;
};

/// Rows as they are read; strides in floats.
struct ImageRows {
  const float* first;  ///< of the first group
  std::size_t row_stride;
  std::size_t group_stride;  ///< from one group of channels to the next
};

/// Which part of the plane around the image is wanted.
struct RowRange {
  std::ptrdiff_t top;  ///< its first row, counted from the image's; may lie before it
  std::size_t count;   ///< rows, may end behind the image
  std::size_t left;    ///< columns of zeros in front
  std::size_t pitch;   ///< columns in all
};

/// Copies the range to `target` [channel groups, count, pitch, neighbours], zeros where there is no image.
ImageRows copy_padded(const GroupedImage& image, const RowRange& range, float* target);

}  // namespace titrate::kernels
