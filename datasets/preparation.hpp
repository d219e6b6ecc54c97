// What is done to a stored sample before the model gets it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "datasets/convert.hpp"
#include "datasets/resize.hpp"
#include "engine/graph/tensor.hpp"

namespace titrate {

struct Resizing {
  std::optional<std::int64_t> shorter_side;  ///< either this
  PictureSize size{0, 0};                    ///< or both sides
  ResizeMethod method = ResizeMethod::bilinear;
};

enum class LayoutChange : std::uint8_t {
  none,
  channels_first,  ///< NHWC->NCHW
  channels_last,   ///< NCHW->NHWC
};

/// In the order in which it happens.
struct Preparation {
  std::optional<Resizing> resizing;  ///< uint8 [H,W,C] or [H,W] only
  std::optional<PictureSize> crop;   ///< from the centre; an odd margin is smaller by one at the top and left
  bool reverse_channels = false;     ///< RGB to BGR
  Normalisation normalisation;
  std::optional<engine::DataType> cast;  ///< none: the stored type stays
  LayoutChange layout = LayoutChange::none;
  bool add_batch_axis = true;            ///< feeds [1, ...]; not looked at if there is a `reshape`
  std::optional<engine::Shape> reshape;  ///< the whole shape that is fed

  /// row: one stored sample, without the sample axis. Throws Error(invalid) naming shapes and `where` if a step does not fit it.
  [[nodiscard]] engine::Tensor apply(engine::Tensor row, const std::string& where) const;
};

}  // namespace titrate
