#include "engine/kernels/convolution/convolution.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

#include "engine/base/error.hpp"
#include "engine/kernels/convolution/phases.hpp"
#include "engine/kernels/sgemm/matrix.hpp"
#include "engine/kernels/threads.hpp"

namespace titrate::kernels {
namespace {

std::size_t rounded(std::size_t floats) { return (floats + 15) / 16 * 16; }  // whole cache lines

// How the scratch memory is divided. For each thread: a tile column of all filters, and a packed panel for the image's last columns.
struct Division {
  std::size_t offsets;  // int32, as many floats
  std::size_t image;    // the channels of one group in their phases, and a tile's width behind the end
  std::size_t sums;
  std::size_t panel;

  Division(const SgemmKernels& kernels, const ConvolutionGeometry& geometry, const PhaseLayout& layout) {
    const auto width = static_cast<std::size_t>(kernels.columns);
    const auto depth = static_cast<std::size_t>(geometry.depth());
    offsets = rounded(depth);
    image = layout.is_image() ? 0 : rounded(static_cast<std::size_t>(geometry.channels * layout.channel_size()) + width);
    sums = static_cast<std::size_t>(geometry.filters) * width;
    panel = layout.is_image() ? depth * width : 0;
  }
  [[nodiscard]] std::size_t per_thread() const { return sums + panel; }
  [[nodiscard]] std::size_t total(std::size_t threads) const { return offsets + image + threads * per_thread(); }
};

// Everything that the tiles of one image and one group share.
struct Pass {
  const SgemmKernels& kernels;
  const ConvolutionGeometry& geometry;
  const PhaseLayout& layout;
  const float* filters;
  const float* bias;
  const float* image;
  const std::int32_t* offsets;
  float* outputs;             // of the whole convolution
  std::int64_t first_output;  // of this image and group
  const Epilogue& epilogue;
  [[nodiscard]] float* output() const { return outputs + first_output; }
};

// The outputs of columns [first, first + count) leave the tile column; columns between two rows of outputs are dropped.
void scatter(const Pass& pass, const float* sums, std::int64_t first, std::int64_t count) {
  const Sizes3& pitch = pass.layout.pitch();
  const Sizes3& size = pass.geometry.output;
  const auto stride = static_cast<std::size_t>(pass.kernels.columns);
  for (std::int64_t column = first; column < first + count;) {
    const std::int64_t w = column % pitch[2];
    const std::int64_t h = column / pitch[2] % pitch[1];
    const std::int64_t d = column / (pitch[2] * pitch[1]);
    const std::int64_t run = std::min(first + count - column, pitch[2] - w);
    if (w < size[2] && h < size[1]) {
      const auto length = static_cast<std::size_t>(std::min(run, size[2] - w));
      float* target = pass.output() + (d * size[1] + h) * size[2] + w;
      const float* source = sums + (column - first);
      for (std::int64_t filter = 0; filter < pass.geometry.filters; ++filter) {
        std::memcpy(target, source, length * sizeof(float));
        if (!pass.epilogue.is_identity()) pass.epilogue.finish(pass.outputs, static_cast<std::size_t>(target - pass.outputs), length);
        target += pass.geometry.output_size();
        source += stride;
      }
    }
    column += run;
  }
}

// The image's own last columns: a tile would read behind the end of the tensor, so they are copied into a panel.
void pack_last_columns(const Pass& pass, std::int64_t first, std::int64_t count, float* panel) {
  const auto width = static_cast<std::size_t>(pass.kernels.columns);
  for (std::int64_t k = 0; k < pass.geometry.depth(); ++k, panel += width) {
    const float* source = pass.image + pass.offsets[k] + first;
    std::copy_n(source, count, panel);
    std::fill(panel + count, panel + width, 0.0F);
  }
}

void run_tile_column(const Pass& pass, std::int64_t first, float* sums, float* panel) {
  const auto width = static_cast<std::size_t>(pass.kernels.columns);
  const auto depth = static_cast<std::size_t>(pass.geometry.depth());
  const std::int64_t count = std::min<std::int64_t>(pass.layout.columns() - first, pass.kernels.columns);
  const bool whole = count == pass.kernels.columns;
  const bool direct = whole && pass.layout.dense();
  const bool packed = !whole && pass.layout.is_image();
  if (packed) pack_last_columns(pass, first, count, panel);

  const auto filters = static_cast<std::size_t>(pass.geometry.filters);
  const RowPanels panels(pass.kernels, filters);
  float* c = direct ? pass.output() + first : sums;
  const std::size_t c_stride = direct ? static_cast<std::size_t>(pass.geometry.output_size()) : width;
  const auto& tiles = packed ? pass.kernels.packed : pass.kernels.indirect;
  for (std::size_t k = 0; k < depth; k += sgemm_depth_block) {
    for (std::size_t index = 0; index < panels.count; ++index) {
      const std::size_t row = panels.begin(index);
      const std::size_t height = panels.height(index);
      tiles[height]({.depth = std::min(sgemm_depth_block, depth - k),
                     .a = pass.filters + row * depth + k * height,
                     .b = packed ? panel + k * width : pass.image + first,
                     .offsets = pass.offsets + k,
                     .c = c + row * c_stride,
                     .c_stride = c_stride,
                     .start = k == 0 && pass.bias != nullptr ? pass.bias + row : nullptr,
                     .accumulate = k > 0});
    }
  }
  if (!direct) {
    scatter(pass, sums, first, count);
  } else if (!pass.epilogue.is_identity()) {
    for (std::size_t filter = 0; filter < filters; ++filter) {
      pass.epilogue.finish(pass.outputs, static_cast<std::size_t>(pass.first_output + first) + filter * c_stride, width);
    }
  }
}

}  // namespace

PackedFilters::PackedFilters(const SgemmKernels& kernels, const ConvolutionGeometry& geometry, const float* filters)
    : group_size_(static_cast<std::size_t>(geometry.filters * geometry.depth())),
      packed_(group_size_ * static_cast<std::size_t>(geometry.groups)) {
  const auto depth = static_cast<std::size_t>(geometry.depth());
  for (std::size_t group = 0; group < static_cast<std::size_t>(geometry.groups); ++group) {
    const std::size_t start = group * group_size_;
    pack_rows(kernels, {filters + start, static_cast<std::size_t>(geometry.filters), depth, depth, 1}, packed_.data() + start);
  }
}

std::size_t convolution_scratch(const SgemmKernels& kernels, const ConvolutionGeometry& geometry) {
  const PhaseLayout layout(geometry);
  if (geometry.channels * layout.channel_size() > std::numeric_limits<std::int32_t>::max()) {
    throw_invalid("the image of a convolution has more than 2^31 elements in a group");
  }
  return Division(kernels, geometry, layout).total(static_cast<std::size_t>(thread_count()));
}

void convolve(const SgemmKernels& kernels, const ConvolutionGeometry& geometry, const PackedFilters& filters, const float* bias,
              const float* input, float* output, std::span<float> scratch, const Epilogue& epilogue) {
  const PhaseLayout layout(geometry);
  const Division division(kernels, geometry, layout);
  auto* offsets = reinterpret_cast<std::int32_t*>(scratch.data());
  layout.offsets(geometry, offsets);
  float* image = scratch.data() + division.offsets;
  float* of_threads = image + division.image;
  if (!layout.is_image()) std::fill_n(image + geometry.channels * layout.channel_size(), kernels.columns, 0.0F);

  const std::int64_t tile_columns = (layout.columns() + kernels.columns - 1) / kernels.columns;
  for (std::int64_t pair = 0; pair < geometry.batch * geometry.groups; ++pair) {
    const std::int64_t group = pair % geometry.groups;
    const float* channels = input + pair * geometry.channels * geometry.input_size();
    if (!layout.is_image()) {
      parallel_for(static_cast<std::size_t>(geometry.channels), [&](std::size_t channel, std::size_t) {
        layout.fill(geometry, channels + static_cast<std::int64_t>(channel) * geometry.input_size(),
                    image + static_cast<std::int64_t>(channel) * layout.channel_size());
      });
    }
    const Pass pass{.kernels = kernels,
                    .geometry = geometry,
                    .layout = layout,
                    .filters = filters.group(group),
                    .bias = bias == nullptr ? nullptr : bias + group * geometry.filters,
                    .image = layout.is_image() ? channels : image,
                    .offsets = offsets,
                    .outputs = output,
                    .first_output = pair * geometry.filters * geometry.output_size(),
                    .epilogue = epilogue};
    parallel_for(static_cast<std::size_t>(tile_columns), [&](std::size_t tile, std::size_t thread) {
      float* sums = of_threads + thread * division.per_thread();
      run_tile_column(pass, static_cast<std::int64_t>(tile) * kernels.columns, sums, sums + division.sums);
    });
  }
}

}  // namespace titrate::kernels
