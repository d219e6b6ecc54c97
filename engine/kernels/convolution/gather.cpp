#include "engine/kernels/convolution/gather.hpp"

namespace titrate::kernels {
namespace {

constexpr std::int64_t read_ahead = 32;  // what the gather kernel may read behind a run

}  // namespace

OutputRange::OutputRange(const ConvolutionPass& pass, std::size_t first, std::size_t count) {
  if (pass.layout.dense()) {  // outputs lie in the image as they are
    run_count_ = 1;
    runs_[0] = {.source = static_cast<std::int32_t>(first), .target = 0, .count = static_cast<std::int32_t>(count)};
    return;
  }
  const Sizes3& size = pass.geometry.output;
  const Sizes3& pitch = pass.layout.pitch();
  const auto start = static_cast<std::int64_t>(first);
  std::int64_t w = start % size[2];
  std::int64_t h = start / size[2] % size[1];
  std::int64_t d = start / (size[2] * size[1]);
  for (std::int64_t at = 0; at < static_cast<std::int64_t>(count);) {
    const std::int64_t length = std::min(static_cast<std::int64_t>(count) - at, size[2] - w);
    runs_[run_count_++] = {.source = static_cast<std::int32_t>((d * pitch[1] + h) * pitch[2] + w),
                           .target = static_cast<std::int32_t>(at),
                           .count = static_cast<std::int32_t>(length)};
    at += length;
    w = 0;
    if (++h == size[1]) {
      h = 0;
      ++d;
    }
  }
}

void OutputRange::gather(const ConvolutionPass& pass, std::size_t k, std::size_t depth, float* panel, std::size_t width) const {
  std::size_t freely = depth;
  if (pass.layout.is_image()) {
    // Nothing may be read behind the tensor: its last channels are copied float by float.
    const std::int64_t careful = (read_ahead + pass.geometry.input_size() - 1) / pass.geometry.input_size();
    const auto first_careful = static_cast<std::size_t>(std::max<std::int64_t>(0, pass.geometry.channels - careful) * pass.geometry.taps());
    freely = std::min(depth, first_careful - std::min(first_careful, k));
  }
  pass.kernels.gather({.image = pass.image,
                       .offsets = pass.offsets + k,
                       .depth = freely,
                       .runs = runs_.data(),
                       .run_count = run_count_,
                       .panel = panel,
                       .width = width});
  for (std::size_t row = freely; row < depth; ++row) {
    for (std::size_t index = 0; index < run_count_; ++index) {
      const GatherRun& run = runs_[index];
      std::copy_n(pass.image + pass.offsets[k + row] + run.source, run.count, panel + row * width + run.target);
    }
  }
}

}  // namespace titrate::kernels
