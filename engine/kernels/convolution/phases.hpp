// The image as convolutions read it: padded, and for a stride s split into s phases for each axis (phase p holds every s-th sample from p
// on). In this layout the values that one tap contributes to neighbouring outputs are neighbours in memory, whatever stride and dilation:
// so row k = (channel, tap) of the im2col matrix is the image itself from offset k on, and nothing has to be copied for each tap.
#pragma once

#include <vector>

#include "engine/kernels/convolution/geometry.hpp"

namespace titrate::kernels {

/// How the last axis is split.
enum class Across {
  phases,
  taps,  ///< a copy for each tap, as wide as the outputs: nothing lies between the rows then, and every two-dimensional layout is dense
};

class PhaseLayout {
 public:
  /// Throws Error(invalid) if a channel takes more than 2^31 elements.
  explicit PhaseLayout(const ConvolutionGeometry& geometry, Across across = Across::phases);

  /// The samples of one phase along each axis. Output (d, h, w) is column (d * pitch[1] + h) * pitch[2] + w.
  [[nodiscard]] const Sizes3& pitch() const { return pitch_; }
  /// Columns from the first output to the last; those at the row ends in between belong to no output.
  [[nodiscard]] std::int64_t columns() const { return columns_; }
  [[nodiscard]] std::int64_t channel_size() const { return channel_size_; }
  /// The layout is the image's own: nothing to copy.
  [[nodiscard]] bool is_image() const { return is_image_; }
  /// Every column is an output.
  [[nodiscard]] bool dense() const { return dense_; }

  /// Where row k = channel * taps + tap begins, for all channels of a group.
  void offsets(const ConvolutionGeometry& geometry, std::int32_t* target) const;
  /// Copies one channel [input] into [channel_size()] but for the padding, which has the same places in every channel: target holds zeros
  /// there already.
  void fill_inside(const ConvolutionGeometry& geometry, const float* channel, float* target) const;
  /// All channels of a group, with threads: the padding is written with the first image only, those after it have it in the same places.
  void fill(const ConvolutionGeometry& geometry, const float* channels, float* target, bool first) const;

 private:
  struct Range {
    std::int64_t begin, end;
  };
  /// Rows of the image that belong to one phase downwards, and where the first of their phases across begins.
  struct Rows {
    const float* source;
    std::int64_t source_pitch;
    float* target;
    std::int64_t count;
  };
  void fill_pairs(const ConvolutionGeometry& geometry, const Rows& rows) const;
  void fill_phase(const ConvolutionGeometry& geometry, const Rows& rows, std::size_t index) const;

  struct Axis {
    std::vector<std::int64_t> phases;  // those that a tap uses
    std::vector<Range> inside;         // for each of them, the samples that lie in the image
    std::vector<std::int64_t> phase;   // for each tap, an index into phases
    std::vector<std::int64_t> shift;   // for each tap, in samples of its phase
  };
  Across across_;
  std::array<Axis, 3> axes_;
  Sizes3 pitch_{};
  std::int64_t columns_ = 0;
  std::int64_t channel_size_ = 0;
  bool is_image_ = false;
  bool dense_ = false;
};

}  // namespace titrate::kernels
