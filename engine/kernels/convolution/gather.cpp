#include "engine/kernels/convolution/gather.hpp"

namespace titrate::kernels {
namespace {

constexpr std::int64_t read_ahead = 32;  // what the gather kernel may read behind a run

}  // namespace

OutputRange::OutputRange(const ConvolutionPass& pass, std::size_t first, std::size_t count) {
  const Sizes3& size = pass.geometry.output;
  const Sizes3& pitch = pass.layout.pitch();
  const auto end = static_cast<std::int64_t>(first + count);
  for (auto at = static_cast<std::int64_t>(first); at < end;) {
    const std::int64_t w = at % size[2];
    const std::int64_t h = at / size[2] % size[1];
    const std::int64_t d = at / (size[2] * size[1]);
    const std::int64_t length = std::min(end - at, size[2] - w);
    const auto source = static_cast<std::int32_t>((d * pitch[1] + h) * pitch[2] + w);
    if (run_count_ > 0 && source == runs_[run_count_ - 1].source + runs_[run_count_ - 1].count) {
      runs_[run_count_ - 1].count += static_cast<std::int32_t>(length);
    } else {
      runs_[run_count_++] = {.source = source,
                             .target = static_cast<std::int32_t>(at - static_cast<std::int64_t>(first)),
                             .count = static_cast<std::int32_t>(length)};
    }
    at += length;
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
