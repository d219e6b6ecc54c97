#include "engine/kernels/convolution/depthwise.hpp"

#include <algorithm>
#include <optional>

#include "engine/kernels/convolution/phases.hpp"
#include "engine/kernels/sizes.hpp"
#include "engine/kernels/threads.hpp"

namespace titrate::kernels {
namespace {

constexpr std::size_t read_ahead = 16;              // what the kernel may read behind a row
constexpr std::int64_t most_columns_together = 14;  // up to here channels together are faster than a row at a time (README)

// The rows of a filter that has a kernel for whole planes: a square of 3 or 5 taps, stride 1 or 2.
std::optional<PaddedRows> padded_rows(const ConvolutionGeometry& geometry) {
  const auto equal = [](const Sizes3& sizes, std::int64_t size) { return sizes[1] == size && sizes[2] == size; };
  const std::int64_t taps = geometry.kernel[1];
  const std::int64_t stride = geometry.stride[1];
  const bool flat = geometry.input[0] == 1 && geometry.kernel[0] == 1 && geometry.output[0] == 1 && geometry.pad[0] == 0;
  const bool known = (taps == 3 || taps == 5) && (stride == 1 || stride == 2);
  if (!flat || !known || !equal(geometry.kernel, taps) || !equal(geometry.stride, stride) || !equal(geometry.dilation, 1)) return {};
  return PaddedRows(static_cast<std::size_t>(geometry.output[1]), static_cast<std::size_t>(geometry.output[2]),
                    static_cast<std::size_t>(taps), static_cast<std::size_t>(stride));
}

std::size_t image_size(const PhaseLayout& layout) { return whole_lines(static_cast<std::size_t>(layout.channel_size()) + read_ahead); }

// What every channel needs.
struct DepthwisePass {
  const DepthwiseKernel& kernel;
  const ConvolutionGeometry& geometry;
  const float* filters;
  const float* bias;
  const float* input;
  float* output;
  const Epilogue& epilogue;

  [[nodiscard]] std::size_t planes() const { return static_cast<std::size_t>(geometry.batch * geometry.groups); }
  [[nodiscard]] const float* image(std::int64_t plane) const { return input + plane * geometry.input_size(); }
  /// Calls body(weights, start, first output) for each filter of a channel of an image.
  template <class Body>
  void for_filters(std::int64_t plane, const Body& body) const {
    for (std::int64_t own = 0; own < geometry.filters; ++own) {
      const std::int64_t filter = plane % geometry.groups * geometry.filters + own;
      body(filters + filter * geometry.taps(), bias == nullptr ? 0.0F : bias[filter],
           static_cast<std::size_t>((plane * geometry.filters + own) * geometry.output_size()));
    }
  }
};

void convolve_planes(const DepthwisePass& pass, const PaddedRows& rows, float* scratch) {
  const ConvolutionGeometry& geometry = pass.geometry;
  const DepthwisePlaneRun run = pass.kernel.planes[geometry.kernel[1] == 5 ? 1 : 0][geometry.stride[1] - 1];
  const Activation& activation = pass.epilogue.activation;
  const bool clamps = activation.kind == ActivationKind::clamp && pass.epilogue.addend == nullptr;
  const float bounds[2] = {activation.first, activation.second};
  const std::size_t size = padded_plane_size(rows);
  std::fill_n(scratch, static_cast<std::size_t>(thread_count()) * size, 0.0F);
  parallel_for(pass.planes(), [&](std::size_t plane, std::size_t thread) {
    pass.for_filters(static_cast<std::int64_t>(plane), [&](const float* weights, float start, std::size_t first) {
      run({.image = pass.image(static_cast<std::int64_t>(plane)),
           .rows = static_cast<std::size_t>(geometry.input[1]),
           .columns = static_cast<std::size_t>(geometry.input[2]),
           .pad_top = static_cast<std::size_t>(geometry.pad[1]),
           .pad_left = static_cast<std::size_t>(geometry.pad[2]),
           .weights = weights,
           .start = start,
           .bounds = clamps ? bounds : nullptr,
           .outputs = pass.output + first,
           .output_rows = static_cast<std::size_t>(geometry.output[1]),
           .output_columns = static_cast<std::size_t>(geometry.output[2]),
           .padded = scratch + thread * size});
      if (!clamps) pass.epilogue.finish(pass.output, first, static_cast<std::size_t>(geometry.output_size()));
    });
  });
}

// What DepthwiseChannels needs for channels of a geometry that padded_rows() knows.
DepthwiseChannels channels_of(const ConvolutionGeometry& geometry) {
  const auto size = [](std::int64_t given) { return static_cast<std::size_t>(given); };
  return {.channels = 0,
          .image = nullptr,
          .rows = size(geometry.input[1]),
          .columns = size(geometry.input[2]),
          .pad_top = size(geometry.pad[1]),
          .pad_left = size(geometry.pad[2]),
          .weights = nullptr,
          .start = nullptr,
          .bounds = nullptr,
          .outputs = nullptr,
          .output_rows = size(geometry.output[1]),
          .output_columns = size(geometry.output[2]),
          .padded = nullptr};
}

std::size_t channels_size(const ConvolutionGeometry& geometry, std::size_t lanes) {
  const DepthwiseChannels work = channels_of(geometry);
  const PaddedChannels padded(work, static_cast<std::size_t>(geometry.kernel[1]), static_cast<std::size_t>(geometry.stride[1]));
  return whole_lines(padded_channels_size(work, padded, lanes));
}

// Small planes, one filter each: a row fills a few registers only, and those are half empty.
bool takes_channels_together(const DepthwiseKernel& kernel, const ConvolutionGeometry& geometry) {
  const auto lanes = static_cast<std::int64_t>(kernel.lanes);
  const bool small = geometry.output[2] <= most_columns_together && geometry.input[2] <= 2 * most_columns_together;
  return small && geometry.filters == 1 && geometry.groups >= lanes / 2 && geometry.input_size() >= lanes &&
         geometry.output_size() >= lanes;
}

void convolve_channels(const DepthwisePass& pass, float* scratch) {
  const ConvolutionGeometry& geometry = pass.geometry;
  const std::size_t lanes = pass.kernel.lanes;
  const DepthwiseChannelsRun run = pass.kernel.channels[geometry.kernel[1] == 5 ? 1 : 0][geometry.stride[1] - 1];
  const Activation& activation = pass.epilogue.activation;
  const bool clamps = activation.kind == ActivationKind::clamp && pass.epilogue.addend == nullptr;
  const float bounds[2] = {activation.first, activation.second};
  const std::size_t size = channels_size(geometry, lanes);
  std::fill_n(scratch, static_cast<std::size_t>(thread_count()) * size, 0.0F);
  const auto channels = static_cast<std::size_t>(geometry.groups);
  const std::size_t parts = (channels + lanes - 1) / lanes;
  parallel_for(static_cast<std::size_t>(geometry.batch) * parts, [&](std::size_t index, std::size_t thread) {
    const std::size_t channel = index % parts * lanes;
    const std::size_t plane = index / parts * channels + channel;
    const std::size_t first = plane * static_cast<std::size_t>(geometry.output_size());
    DepthwiseChannels work = channels_of(geometry);
    work.channels = std::min(lanes, channels - channel);
    work.image = pass.image(static_cast<std::int64_t>(plane));
    work.weights = pass.filters + channel * static_cast<std::size_t>(geometry.taps());
    work.start = pass.bias == nullptr ? nullptr : pass.bias + channel;
    work.bounds = clamps ? bounds : nullptr;
    work.outputs = pass.output + first;
    work.padded = scratch + thread * size;
    run(work);
    if (!clamps) pass.epilogue.finish(pass.output, first, work.channels * static_cast<std::size_t>(geometry.output_size()));
  });
}

// Any filter: the image in its phases first, then row by row.
void convolve_channel(const DepthwisePass& pass, const PhaseLayout& layout, const std::int32_t* offsets, const float* filter, float start,
                      const float* image, float* output) {
  const auto taps = static_cast<std::size_t>(pass.geometry.taps());
  const Sizes3& size = pass.geometry.output;
  if (layout.dense()) {
    pass.kernel.run(image, offsets, filter, taps, start, output, static_cast<std::size_t>(pass.geometry.output_size()));
    return;
  }
  for (std::int64_t d = 0; d < size[0]; ++d) {
    for (std::int64_t h = 0; h < size[1]; ++h) {
      const float* row = image + (d * layout.pitch()[1] + h) * layout.pitch()[2];
      pass.kernel.run(row, offsets, filter, taps, start, output + (d * size[1] + h) * size[2], static_cast<std::size_t>(size[2]));
    }
  }
}

void convolve_phases(const DepthwisePass& pass, const PhaseLayout& layout, float* scratch) {
  auto* offsets = reinterpret_cast<std::int32_t*>(scratch);
  layout.offsets(pass.geometry, offsets);
  float* images = scratch + whole_lines(static_cast<std::size_t>(pass.geometry.taps()));
  std::fill_n(images, static_cast<std::size_t>(thread_count()) * image_size(layout), 0.0F);
  parallel_for(pass.planes(), [&](std::size_t plane, std::size_t thread) {
    float* image = images + thread * image_size(layout);
    layout.fill_inside(pass.geometry, pass.image(static_cast<std::int64_t>(plane)), image);
    pass.for_filters(static_cast<std::int64_t>(plane), [&](const float* weights, float start, std::size_t first) {
      convolve_channel(pass, layout, offsets, weights, start, image, pass.output + first);
      pass.epilogue.finish(pass.output, first, static_cast<std::size_t>(pass.geometry.output_size()));
    });
  });
}

}  // namespace

std::size_t depthwise_scratch(const DepthwiseKernel& kernel, const ConvolutionGeometry& geometry) {
  const auto threads = static_cast<std::size_t>(thread_count());
  if (const auto rows = padded_rows(geometry)) {
    return threads *
           std::max(padded_plane_size(*rows), takes_channels_together(kernel, geometry) ? channels_size(geometry, kernel.lanes) : 0);
  }
  return whole_lines(static_cast<std::size_t>(geometry.taps())) + threads * image_size(PhaseLayout(geometry));
}

void convolve_depthwise(const DepthwiseKernel& kernel, const ConvolutionGeometry& geometry, const float* filters, const float* bias,
                        const float* input, float* output, std::span<float> scratch, const Epilogue& epilogue) {
  const DepthwisePass pass{
      .kernel = kernel, .geometry = geometry, .filters = filters, .bias = bias, .input = input, .output = output, .epilogue = epilogue};
  if (const auto rows = padded_rows(geometry); rows && takes_channels_together(kernel, geometry)) {
    convolve_channels(pass, scratch.data());
  } else if (rows) {
    convolve_planes(pass, *rows, scratch.data());
  } else {
    convolve_phases(pass, PhaseLayout(geometry), scratch.data());
  }
}

}  // namespace titrate::kernels
