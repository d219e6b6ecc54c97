// Resizing along one axis: which positions of the source each position of the target is made of, and with what weights.
// Formulas: onnx/onnx, docs/Operators.md (Resize) and onnx/reference/ops/op_resize.py.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/graph/tensor.hpp"
#include "engine/ops/axis_map.hpp"

namespace titrate::engine::ops {

enum class Coordinates : std::uint8_t {
  half_pixel,
  half_pixel_symmetric,
  pytorch_half_pixel,
  align_corners,
  asymmetric,
  tf_half_pixel_for_nn,
  tf_crop_and_resize,
};

enum class NearestMode : std::uint8_t {
  round_prefer_floor,
  round_prefer_ceil,
  floor,
  ceil,
  outward,  ///< down where the axis grows, up where it shrinks: what ONNX Runtime does before opset 11, whose specification is silent
};

/// What a node asks for along every axis.
struct ResizeSettings {
  Coordinates coordinates = Coordinates::half_pixel;
  NearestMode nearest = NearestMode::round_prefer_floor;
  bool cubic = false;
  bool antialias = false;
  bool exclude_outside = false;
  float cubic_coefficient = -0.75F;
};

struct ResizeAxis {
  std::int64_t source = 1;
  std::int64_t target = 1;
  float scale = 1.0F;      ///< target / source, before the target's size was rounded
  float roi_start = 0.0F;  ///< for tf_crop_and_resize: the part of the source, normalized
  float roi_end = 1.0F;
};

/// The position in the source, between its elements, that a target position stands for.
[[nodiscard]] float source_coordinate(const ResizeAxis& axis, std::int64_t target, Coordinates coordinates);
/// Whether tf_crop_and_resize takes the target position from outside the source.
[[nodiscard]] bool is_outside(const ResizeAxis& axis, std::int64_t target);

/// Nearest neighbours; -1 where the extrapolation value stands.
[[nodiscard]] AxisMap nearest_map(const ResizeAxis& axis, const ResizeSettings& settings);

/// For each target position `taps` source positions (inside the source) and their weights.
struct ResizeTaps {
  std::int64_t taps = 0;
  std::vector<std::int64_t> positions;
  std::vector<float> weights;
};
[[nodiscard]] ResizeTaps resize_taps(const ResizeAxis& axis, const ResizeSettings& settings);

}  // namespace titrate::engine::ops
