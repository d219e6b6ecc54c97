// What convolutions and pools share: a window that slides over up to three spatial axes.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/kernels/convolution/geometry.hpp"
#include "engine/ops/operator.hpp"

namespace titrate::engine::ops {

/// The attributes of a sliding window, checked and complete: one entry for each spatial axis.
struct Window {
  enum class Padding { given, same_upper, same_lower, valid };
  Padding padding = Padding::given;
  bool ceil_mode = false;
  Shape kernel;
  Shape stride;
  Shape dilation;
  Shape pad_begin;  ///< of Padding::given
  Shape pad_end;

  [[nodiscard]] std::size_t rank() const { return kernel.size(); }
  /// kernel with its holes: (k - 1) * dilation + 1
  [[nodiscard]] std::int64_t extent(std::size_t axis) const { return (kernel[axis] - 1) * dilation[axis] + 1; }
};

/// Padding and output size along one axis, for an input size that is known.
struct WindowAxis {
  std::int64_t pad_begin;
  std::int64_t pad_end;
  std::int64_t output;
};

/// Reads kernel_shape, strides, dilations, pads, auto_pad and ceil_mode for `rank` spatial axes; `kernel` stands in for a kernel_shape that
/// is left out. Throws Error(invalid) for lengths, signs and sizes that cannot be.
[[nodiscard]] Window read_window(const Node& node, std::size_t rank, const std::optional<Shape>& kernel);

/// Throws Error(invalid) where the window does not fit into the padded input.
[[nodiscard]] WindowAxis place(const Window& window, std::size_t axis, std::int64_t input, const Node& node);

/// The output's spatial sizes; -1 for those whose input is unknown. `input` starts with batch and channels, which are left out.
[[nodiscard]] Shape spatial_outputs(const Window& window, const Shape& input, const Node& node);

/// The last `count` (1 to 3) axes brought to three, ones in front.
[[nodiscard]] kernels::Sizes3 three(const Shape& sizes, std::int64_t filler = 1);

}  // namespace titrate::engine::ops
