#include "engine/kernels/convolution/blocked_depthwise.hpp"

#include <algorithm>

#include "engine/kernels/channel_blocks/layout.hpp"
#include "engine/kernels/threads.hpp"

namespace titrate::kernels {
namespace {

std::size_t size(std::int64_t given) { return static_cast<std::size_t>(given); }

// Rows of outputs that a thread takes at once: 16 KB, which an activation that follows still finds in the first cache.
std::size_t rows_together(const ConvolutionGeometry& geometry, std::size_t lanes) {
  constexpr std::size_t floats = 4096;
  return std::max<std::size_t>(floats / (size(geometry.output[2]) * lanes), 1);
}

// All but where the numbers are, for `count` rows of outputs, or as many as there are.
BlockedDepthwise some_rows(const ConvolutionGeometry& geometry, std::size_t first, std::size_t count) {
  return {.image = nullptr,
          .rows = size(geometry.input[1]),
          .columns = size(geometry.input[2]),
          .filter = nullptr,
          .kernel = {size(geometry.kernel[1]), size(geometry.kernel[2])},
          .stride = {size(geometry.stride[1]), size(geometry.stride[2])},
          .dilation = {size(geometry.dilation[1]), size(geometry.dilation[2])},
          .pad = {geometry.pad[1], geometry.pad[2]},
          .first_row = first,
          .last_row = std::min(first + count, size(geometry.output[1])),
          .output_columns = size(geometry.output[2]),
          .addend = nullptr,
          .bounds = nullptr,
          .outputs = nullptr,
          .zeros = nullptr,
          .strips = nullptr};
}

// Zeros for all threads, then strips for each, in floats.
struct Scratch {
  std::size_t zeros;
  std::size_t strips;

  Scratch(const ConvolutionGeometry& geometry, std::size_t lanes) {
    const BlockedDepthwise work = some_rows(geometry, 0, rows_together(geometry, lanes));
    const DepthwiseStrips needed(work);
    zeros = needed.widest * lanes;
    // In the midst of the image a part may reach more rows than the first part does.
    const std::size_t reached = (work.last_row - 1) * work.stride[0] + work.reach(0);
    strips = std::min(reached, work.rows) * (needed.left + needed.right) * lanes;
  }
};

}  // namespace

BlockedDepthwiseFilters::BlockedDepthwiseFilters(Isa isa, const ConvolutionGeometry& geometry, const float* filters, const float* bias)
    : kernel_(blocked_depthwise_kernel(isa)), lanes_(channel_lanes(isa)), blocks_(block_count(size(geometry.groups), lanes_)) {
  const std::size_t taps = size(geometry.taps());
  size_ = (1 + taps) * lanes_;
  packed_.assign(blocks_ * size_, 0.0F);
  for (std::size_t channel = 0; channel < size(geometry.groups); ++channel) {
    float* target = packed_.data() + channel / lanes_ * size_ + channel % lanes_;
    if (bias != nullptr) target[0] = bias[channel];
    for (std::size_t tap = 0; tap < taps; ++tap) target[(1 + tap) * lanes_] = filters[channel * taps + tap];
  }
}

std::size_t blocked_depthwise_scratch(const BlockedDepthwiseFilters& filters, const ConvolutionGeometry& geometry) {
  const Scratch scratch(geometry, filters.lanes());
  return scratch.zeros + static_cast<std::size_t>(thread_count()) * scratch.strips;
}

void convolve_blocked_depthwise(const BlockedDepthwiseFilters& filters, const ConvolutionGeometry& geometry, const float* input,
                                float* output, std::span<float> scratch, const Epilogue& epilogue) {
  const std::size_t lanes = filters.lanes();
  const Scratch layout(geometry, lanes);
  std::fill_n(scratch.data(), layout.zeros, 0.0F);
  const Activation& activation = epilogue.activation;
  const bool clamps = activation.kind == ActivationKind::clamp;
  const float bounds[2] = {activation.first, activation.second};
  const std::size_t rows = size(geometry.output[1]);
  const std::size_t row_size = size(geometry.output[2]) * lanes;
  const std::size_t together = rows_together(geometry, lanes);
  const std::size_t parts = (rows + together - 1) / together;
  parallel_for(size(geometry.batch) * filters.blocks() * parts, [&](std::size_t index, std::size_t thread) {
    const std::size_t plane = index / parts;
    const std::size_t place = plane * rows * row_size;
    BlockedDepthwise work = some_rows(geometry, index % parts * together, together);
    work.image = input + plane * size(geometry.input_size()) * lanes;
    work.filter = filters.block(plane % filters.blocks());
    work.outputs = output + place;
    work.zeros = scratch.data();
    work.strips = scratch.data() + layout.zeros + thread * layout.strips;
    if (epilogue.addend != nullptr) work.addend = epilogue.addend + place;
    if (clamps) work.bounds = bounds;
    filters.kernel()(work);
    if (clamps || activation.is_identity()) return;
    float* finished = output + place + work.first_row * row_size;
    epilogue.activate(activation, finished, finished, (work.last_row - work.first_row) * row_size);
  });
}

}  // namespace titrate::kernels
