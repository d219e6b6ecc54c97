#include "engine/kernels/convolution/phases.hpp"

#include <algorithm>
#include <cstring>

#include "engine/base/error.hpp"
#include "engine/kernels/lanes.hpp"
#include "engine/kernels/threads.hpp"

namespace titrate::kernels {
namespace {

constexpr std::int64_t most_channel = std::int64_t{1} << 31;  // elements: offsets are 32-bit

// How many samples of a phase lie before a place in the image; sample 0 lies at `first`.
std::int64_t samples_before(std::int64_t place, std::int64_t first, std::int64_t stride) {
  return place <= first ? 0 : (place - first + stride - 1) / stride;
}

}  // namespace

PhaseLayout::PhaseLayout(const ConvolutionGeometry& geometry, Across across) : across_(across) {
  std::int64_t phase_count = 1;
  is_image_ = true;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    Axis& own = axes_[axis];
    std::int64_t most_shift = 0;
    for (std::int64_t tap = 0; tap < geometry.kernel[axis]; ++tap) {
      const std::int64_t position = tap * geometry.dilation[axis];
      const std::int64_t phase = axis == 2 && across == Across::taps ? position : position % geometry.stride[axis];
      auto found = std::find(own.phases.begin(), own.phases.end(), phase);
      if (found == own.phases.end()) found = own.phases.insert(own.phases.end(), phase);
      own.phase.push_back(found - own.phases.begin());
      own.shift.push_back((position - phase) / geometry.stride[axis]);
      most_shift = std::max(most_shift, own.shift.back());
    }
    pitch_[axis] = geometry.output[axis] + most_shift;
    for (const std::int64_t phase : own.phases) {
      const std::int64_t first = phase - geometry.pad[axis];
      const std::int64_t end = std::min(pitch_[axis], samples_before(geometry.input[axis], first, geometry.stride[axis]));
      own.inside.push_back({std::min(samples_before(0, first, geometry.stride[axis]), end), end});
    }
    phase_count *= static_cast<std::int64_t>(own.phases.size());
    is_image_ = is_image_ && own.phases.size() == 1 && geometry.stride[axis] == 1 && geometry.pad[axis] == 0 &&
                pitch_[axis] == geometry.input[axis];
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
  const auto height_phases = static_cast<std::int64_t>(axes_[1].phases.size());
  const auto width_phases = static_cast<std::int64_t>(axes_[2].phases.size());
  std::int32_t* next = target;
  for (std::size_t d = 0; d < axes_[0].phase.size(); ++d) {
    for (std::size_t h = 0; h < axes_[1].phase.size(); ++h) {
      for (std::size_t w = 0; w < axes_[2].phase.size(); ++w) {
        const std::int64_t phase = (axes_[0].phase[d] * height_phases + axes_[1].phase[h]) * width_phases + axes_[2].phase[w];
        const std::int64_t shift = (axes_[0].shift[d] * pitch_[1] + axes_[1].shift[h]) * pitch_[2] + axes_[2].shift[w];
        *next++ = static_cast<std::int32_t>(phase * phase_size + shift);
      }
    }
  }
  const std::int64_t taps = geometry.taps();
  for (std::int64_t channel = 1; channel < geometry.channels; ++channel) {
    const auto begin = static_cast<std::int32_t>(channel * channel_size_);
    for (std::int64_t tap = 0; tap < taps; ++tap) *next++ = target[tap] + begin;
  }
}

// With stride 2 both phases of a row at once, else phase by phase.
void PhaseLayout::fill_inside(const ConvolutionGeometry& geometry, const float* channel, float* target) const {
  const Sizes3& size = geometry.input;
  const std::int64_t phase_size = pitch_[0] * pitch_[1] * pitch_[2];
  const auto phases_across = static_cast<std::int64_t>(axes_[2].phases.size());
  const bool in_pairs = geometry.stride[2] == 2 && phases_across == 2 && across_ == Across::phases;
  for (std::size_t index_d = 0; index_d < axes_[0].phases.size(); ++index_d) {
    const std::int64_t phase_d = axes_[0].phases[index_d];
    const Range deep = axes_[0].inside[index_d];
    for (std::size_t index_h = 0; index_h < axes_[1].phases.size(); ++index_h) {
      const Range down = axes_[1].inside[index_h];
      for (std::int64_t d = deep.begin; d < deep.end && down.begin < down.end; ++d) {
        const std::int64_t in_d = d * geometry.stride[0] + phase_d - geometry.pad[0];
        const std::int64_t in_h = down.begin * geometry.stride[1] + axes_[1].phases[index_h] - geometry.pad[1];
        const Rows rows{.source = channel + (in_d * size[1] + in_h) * size[2],
                        .source_pitch = geometry.stride[1] * size[2],
                        .target = target + (d * pitch_[1] + down.begin) * pitch_[2],
                        .count = down.end - down.begin};
        if (in_pairs) {
          fill_pairs(geometry, rows);
        } else {
          for (std::size_t index_w = 0; index_w < axes_[2].phases.size(); ++index_w) fill_phase(geometry, rows, index_w);
        }
      }
      target += phase_size * phases_across;
    }
  }
}

// A column's place behind the padding decides where it goes.
void PhaseLayout::fill_pairs(const ConvolutionGeometry& geometry, const Rows& rows) const {
  const std::int64_t phase_size = pitch_[0] * pitch_[1] * pitch_[2];
  const std::int64_t pad = geometry.pad[2];
  const std::int64_t count = std::min(geometry.input[2], 2 * pitch_[2] - pad);
  if (count <= 0) return;
  for (std::int64_t row = 0; row < rows.count; ++row) {
    float* target = rows.target + row * pitch_[2];
    float* const of_phase[2] = {target + axes_[2].phases[0] * phase_size, target + (1 - axes_[2].phases[0]) * phase_size};
    split_floats<4>(rows.source + row * rows.source_pitch, of_phase[pad % 2] + pad / 2, of_phase[(pad + 1) % 2] + (pad + 1) / 2,
                    static_cast<std::size_t>(count));
  }
}

void PhaseLayout::fill_phase(const ConvolutionGeometry& geometry, const Rows& rows, std::size_t index) const {
  const auto [begin, end] = axes_[2].inside[index];
  if (begin >= end) return;
  const std::int64_t count = end - begin;
  const std::int64_t stride = geometry.stride[2];
  const std::int64_t first = begin * stride + axes_[2].phases[index] - geometry.pad[2];
  const float* source = rows.source + first;
  float* target = rows.target + static_cast<std::int64_t>(index) * pitch_[0] * pitch_[1] * pitch_[2] + begin;
  // Pairs of registers of which every other number counts: none may end behind the row.
  const std::int64_t in_registers = stride == 2 ? std::min(count, (geometry.input[2] - first) / 2) / 4 * 4 : 0;
  for (std::int64_t row = 0; row < rows.count; ++row, source += rows.source_pitch, target += pitch_[2]) {
    if (stride == 1) {
      copy_floats<4>(source, target, static_cast<std::size_t>(count));
      continue;
    }
    for (std::int64_t i = 0; i < in_registers; i += 4)
      store<4>(target + i, every_other<4, 0>(load<4>(source + 2 * i), load<4>(source + 2 * i + 4)));
    for (std::int64_t i = in_registers; i < count; ++i) target[i] = source[i * stride];
  }
}

void PhaseLayout::fill(const ConvolutionGeometry& geometry, const float* channels, float* target, bool first) const {
  parallel_for(static_cast<std::size_t>(geometry.channels), [&](std::size_t channel, std::size_t) {
    float* own = target + static_cast<std::int64_t>(channel) * channel_size_;
    if (first) std::fill_n(own, channel_size_, 0.0F);
    fill_inside(geometry, channels + static_cast<std::int64_t>(channel) * geometry.input_size(), own);
  });
}

}  // namespace titrate::kernels
