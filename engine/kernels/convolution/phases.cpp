#include "engine/kernels/convolution/phases.hpp"

#include <algorithm>
#include <cstring>

#include "engine/base/error.hpp"

namespace titrate::kernels {
namespace {

constexpr std::int64_t most_channel = std::int64_t{1} << 31;  // elements: offsets are 32-bit

// One row of a phase: target[i] = source[i * stride + first], zero where that is outside [0, size).
template <bool padding>
void fill_row(const float* source, std::int64_t size, std::int64_t stride, std::int64_t first, float* target, std::int64_t count) {
  const std::int64_t before = first >= 0 ? 0 : std::min(count, (-first + stride - 1) / stride);
  const std::int64_t end = first >= size ? 0 : std::min(count, (size - first + stride - 1) / stride);
  const std::int64_t stop = std::max(before, end);
  if constexpr (padding) std::fill_n(target, before, 0.0F);
  if (stride == 1) {
    if (stop > before) std::memcpy(target + before, source + first + before, static_cast<std::size_t>(stop - before) * sizeof(float));
  } else if (stride == 2) {  // a constant that the compiler makes shuffles of
    for (std::int64_t i = before; i < stop; ++i) target[i] = source[i * 2 + first];
  } else {
    for (std::int64_t i = before; i < stop; ++i) target[i] = source[i * stride + first];
  }
  if constexpr (padding) std::fill_n(target + stop, count - stop, 0.0F);
}

}  // namespace

PhaseLayout::PhaseLayout(const ConvolutionGeometry& geometry) {
  std::int64_t phase_count = 1;
  is_image_ = true;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    Axis& own = axes_[axis];
    std::int64_t most_shift = 0;
    for (std::int64_t tap = 0; tap < geometry.kernel[axis]; ++tap) {
      const std::int64_t position = tap * geometry.dilation[axis];
      const std::int64_t phase = position % geometry.stride[axis];
      auto found = std::find(own.phases.begin(), own.phases.end(), phase);
      if (found == own.phases.end()) found = own.phases.insert(own.phases.end(), phase);
      own.phase.push_back(found - own.phases.begin());
      own.shift.push_back(position / geometry.stride[axis]);
      most_shift = std::max(most_shift, own.shift.back());
    }
    pitch_[axis] = geometry.output[axis] + most_shift;
    phase_count *= static_cast<std::int64_t>(own.phases.size());
    is_image_ = is_image_ && geometry.stride[axis] == 1 && geometry.pad[axis] == 0 && pitch_[axis] == geometry.input[axis];
  }
  channel_size_ = phase_count;
  for (const std::int64_t samples : pitch_) {
    if (samples > most_channel / std::max<std::int64_t>(channel_size_, 1)) throw_invalid("a padded channel of a convolution is too large");
    channel_size_ *= samples;
  }
  columns_ = ((geometry.output[0] - 1) * pitch_[1] + geometry.output[1] - 1) * pitch_[2] + geometry.output[2];
  dense_ = columns_ == geometry.output_size();
}

void PhaseLayout::offsets(const ConvolutionGeometry& geometry, std::int32_t* target) const {
  const std::int64_t phase_size = pitch_[0] * pitch_[1] * pitch_[2];
  for (std::int64_t channel = 0; channel < geometry.channels; ++channel) {
    for (std::size_t d = 0; d < axes_[0].phase.size(); ++d) {
      for (std::size_t h = 0; h < axes_[1].phase.size(); ++h) {
        for (std::size_t w = 0; w < axes_[2].phase.size(); ++w) {
          const auto height_phases = static_cast<std::int64_t>(axes_[1].phases.size());
          const auto width_phases = static_cast<std::int64_t>(axes_[2].phases.size());
          const std::int64_t phase = (axes_[0].phase[d] * height_phases + axes_[1].phase[h]) * width_phases + axes_[2].phase[w];
          const std::int64_t shift = (axes_[0].shift[d] * pitch_[1] + axes_[1].shift[h]) * pitch_[2] + axes_[2].shift[w];
          *target++ = static_cast<std::int32_t>(channel * channel_size_ + phase * phase_size + shift);
        }
      }
    }
  }
}

void PhaseLayout::fill(const ConvolutionGeometry& geometry, const float* channel, float* target) const {
  fill_phases<true>(geometry, channel, target);
}

void PhaseLayout::fill_inside(const ConvolutionGeometry& geometry, const float* channel, float* target) const {
  fill_phases<false>(geometry, channel, target);
}

template <bool padding>
void PhaseLayout::fill_phases(const ConvolutionGeometry& geometry, const float* channel, float* target) const {
  const Sizes3& size = geometry.input;
  for (const std::int64_t phase_d : axes_[0].phases) {
    for (const std::int64_t phase_h : axes_[1].phases) {
      for (const std::int64_t phase_w : axes_[2].phases) {
        for (std::int64_t d = 0; d < pitch_[0]; ++d) {
          const std::int64_t in_d = d * geometry.stride[0] + phase_d - geometry.pad[0];
          for (std::int64_t h = 0; h < pitch_[1]; ++h, target += pitch_[2]) {
            const std::int64_t in_h = h * geometry.stride[1] + phase_h - geometry.pad[1];
            if (in_d >= 0 && in_d < size[0] && in_h >= 0 && in_h < size[1]) {
              fill_row<padding>(channel + (in_d * size[1] + in_h) * size[2], size[2], geometry.stride[2], phase_w - geometry.pad[2], target,
                                pitch_[2]);
            } else if (padding) {
              std::fill_n(target, pitch_[2], 0.0F);
            }
          }
        }
      }
    }
  }
}

}  // namespace titrate::kernels
