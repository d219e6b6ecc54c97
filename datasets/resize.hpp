// Scaling of pictures, bit for bit as Pillow's Image.resize does it: antialiased, in fixed point
// (python-pillow/Pillow: src/libImaging/Resample.c). OpenCV's bilinear is not antialiased: accuracies measured with it differ.
#pragma once

#include <cstdint>
#include <string>

#include "engine/graph/tensor.hpp"

namespace titrate {

enum class ResizeMethod : std::uint8_t { bilinear, bicubic };

/// picture: uint8 [H, W] or [H, W, C], C <= 4. Returns the same with the given height and width.
[[nodiscard]] engine::Tensor resize(const engine::Tensor& picture, std::int64_t height, std::int64_t width, ResizeMethod method);

/// The size at which the shorter side is `shorter`, as torchvision computes it: the longer side is rounded down.
struct PictureSize {
  std::int64_t height;
  std::int64_t width;
};
[[nodiscard]] PictureSize with_shorter_side(PictureSize size, std::int64_t shorter);

}  // namespace titrate
