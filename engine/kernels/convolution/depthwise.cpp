#include "engine/kernels/convolution/depthwise.hpp"

#include <algorithm>

#include "engine/kernels/convolution/phases.hpp"
#include "engine/kernels/threads.hpp"

namespace titrate::kernels {
namespace {

constexpr std::size_t read_ahead = 16;  // what the kernel may read behind a row

std::size_t image_size(const PhaseLayout& layout) { return (static_cast<std::size_t>(layout.channel_size()) + read_ahead + 15) / 16 * 16; }

void convolve_channel(DepthwiseKernel kernel, const ConvolutionGeometry& geometry, const PhaseLayout& layout, const std::int32_t* offsets,
                      const float* filter, float bias, const float* image, float* output) {
  const auto taps = static_cast<std::size_t>(geometry.taps());
  const Sizes3& size = geometry.output;
  if (layout.dense()) {
    kernel(image, offsets, filter, taps, bias, output, static_cast<std::size_t>(geometry.output_size()));
    return;
  }
  for (std::int64_t d = 0; d < size[0]; ++d) {
    for (std::int64_t h = 0; h < size[1]; ++h) {
      const float* row = image + (d * layout.pitch()[1] + h) * layout.pitch()[2];
      kernel(row, offsets, filter, taps, bias, output + (d * size[1] + h) * size[2], static_cast<std::size_t>(size[2]));
    }
  }
}

}  // namespace

std::size_t depthwise_scratch(const ConvolutionGeometry& geometry) {
  const PhaseLayout layout(geometry);
  return (static_cast<std::size_t>(geometry.taps()) + 15) / 16 * 16 + static_cast<std::size_t>(thread_count()) * image_size(layout);
}

void convolve_depthwise(DepthwiseKernel kernel, const ConvolutionGeometry& geometry, const float* filters, const float* bias,
                        const float* input, float* output, std::span<float> scratch, const Epilogue& epilogue) {
  const PhaseLayout layout(geometry);
  auto* offsets = reinterpret_cast<std::int32_t*>(scratch.data());
  layout.offsets(geometry, offsets);
  float* images = scratch.data() + (static_cast<std::size_t>(geometry.taps()) + 15) / 16 * 16;
  parallel_for(static_cast<std::size_t>(geometry.batch * geometry.groups), [&](std::size_t index, std::size_t thread) {
    const auto pair = static_cast<std::int64_t>(index);
    float* image = images + thread * image_size(layout);
    layout.fill(geometry, input + pair * geometry.input_size(), image);
    std::fill_n(image + layout.channel_size(), read_ahead, 0.0F);
    for (std::int64_t own = 0; own < geometry.filters; ++own) {
      const std::int64_t filter = pair % geometry.groups * geometry.filters + own;
      const std::int64_t first = (pair * geometry.filters + own) * geometry.output_size();
      convolve_channel(kernel, geometry, layout, offsets, filters + filter * geometry.taps(), bias == nullptr ? 0.0F : bias[filter], image,
                       output + first);
      epilogue.finish(output, static_cast<std::size_t>(first), static_cast<std::size_t>(geometry.output_size()));
    }
  });
}

}  // namespace titrate::kernels
