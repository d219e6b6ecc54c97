#include "engine/kernels/convolution/winograd.hpp"

#include <algorithm>

#include "engine/kernels/convolution/pass.hpp"
#include "engine/kernels/sgemm/matrix.hpp"
#include "engine/kernels/sizes.hpp"
#include "engine/kernels/threads.hpp"
#include "engine/kernels/winograd/winograd.hpp"

namespace titrate::kernels {
namespace {

constexpr std::size_t slack = 16;              // what the transforms read and write behind a row of tiles
constexpr std::size_t cached = 32768;          // floats of a block's points, and as many sums: 128 KB each of the second cache
constexpr std::size_t cached_filters = 65536;  // floats: 256 KB, half of the second cache
constexpr std::size_t most_tiles = 96;

const WinogradKernels& transforms_of(const SgemmKernels& kernels) {
  if (&kernels == sgemm_avx512) return *winograd_avx512;
  return &kernels == sgemm_avx2 ? *winograd_avx2 : *winograd_scalar;
}

// What the parts of one image and one group share.
struct WinogradPass {
  const SgemmKernels& kernels;
  const WinogradKernels& transforms;
  const ConvolutionGeometry& geometry;
  const float* filters;         // the points of this group, packed
  const float* bias;            // of this group, or null
  const float* image;           // padded
  const std::int32_t* offsets;  // from channel to channel of a block's points
  float* outputs;               // of the whole convolution
  std::size_t first_output;     // of this image and group
  const Epilogue& epilogue;

  [[nodiscard]] std::size_t filter_count() const { return count_of(geometry.filters); }
  [[nodiscard]] std::size_t output_size() const { return count_of(geometry.output_size()); }
};

// How the work is cut: a task takes a block of tiles and a range of panels of filters.
struct WinogradLayout {
  std::size_t channels, filters;
  std::size_t tiles_down, tiles_across, tiles;
  std::size_t part, channel_size;        // of the padded image
  std::size_t block_tiles, blocks;       // tiles of a task
  std::size_t panels, together;          // panels of filters: all, and those whose sums are kept at once
  std::size_t points_plane, sums_plane;  // from point to point
  std::size_t offsets, image;            // floats

  WinogradLayout(const SgemmKernels& kernels, const ConvolutionGeometry& geometry)
      : channels(count_of(geometry.channels)),
        filters(count_of(geometry.filters)),
        tiles_down(count_of(geometry.output[1] + 1) / 2),
        tiles_across(count_of(geometry.output[2] + 1) / 2),
        tiles(tiles_down * tiles_across),
        part(tiles_across + 1),
        channel_size((tiles_down + 1) * 4 * part),
        panels(RowPanels(kernels, filters).count) {
    const auto width = static_cast<std::size_t>(kernels.columns);
    const auto whole = [&](std::size_t count) { return (count + width - 1) / width * width; };
    const std::size_t most = std::clamp<std::size_t>(cached / (winograd_points * channels) / width * width, width, whole(most_tiles));
    blocks = (tiles + most - 1) / most;
    block_tiles = whole((tiles + blocks - 1) / blocks);
    blocks = (tiles + block_tiles - 1) / block_tiles;
    const auto rows = static_cast<std::size_t>(kernels.rows);
    together = std::clamp<std::size_t>(cached / (winograd_points * rows * block_tiles), 1, panels);
    points_plane = channels * block_tiles + slack;
    sums_plane = together * rows * block_tiles + slack;
    offsets = whole_lines(channels);
    image = whole_lines(channels * channel_size + slack);
  }
  [[nodiscard]] std::size_t of_thread() const { return winograd_points * (points_plane + sums_plane); }
};

// One thread's part.
class WinogradWorker {
 public:
  WinogradWorker(const WinogradPass& pass, const WinogradLayout& layout, float* scratch)
      : pass_(pass),
        layout_(layout),
        row_panels_(pass.kernels, layout.filters),
        points_(scratch),
        sums_(scratch + winograd_points * layout.points_plane),
        bounds_{pass.epilogue.activation.first, pass.epilogue.activation.second},
        clamps_(pass.epilogue.activation.kind == ActivationKind::clamp) {}

  // Panels of filters [first, last) of the block's tiles.
  void run(std::size_t block, std::size_t first, std::size_t last) const {
    const std::size_t begin = block * layout_.block_tiles;
    const std::size_t count = std::min(layout_.block_tiles, layout_.tiles - begin);
    transform_image(begin, count);
    for (std::size_t panel = first; panel < last; panel += layout_.together) {
      const std::size_t end = std::min(last, panel + layout_.together);
      multiply(panel, end, count);
      transform_sums(panel, end, begin, count);
    }
  }

 private:
  // Calls body(row of tiles, first column, number, place in the block) for the parts of rows that a block consists of.
  template <class Body>
  void for_rows(std::size_t begin, std::size_t count, const Body& body) const {
    for (std::size_t done = 0; done < count;) {
      const std::size_t column = (begin + done) % layout_.tiles_across;
      const std::size_t length = std::min(count - done, layout_.tiles_across - column);
      body((begin + done) / layout_.tiles_across, column, length, done);
      done += length;
    }
  }

  // Channels and tiles in ascending order: what a register writes behind a row of tiles is overwritten by what belongs there.
  void transform_image(std::size_t begin, std::size_t count) const {
    if (count < layout_.block_tiles) std::fill_n(points_, winograd_points * layout_.points_plane, 0.0F);
    for (std::size_t channel = 0; channel < layout_.channels; ++channel) {
      for_rows(begin, count, [&](std::size_t row, std::size_t column, std::size_t tiles, std::size_t place) {
        pass_.transforms.input({.padded = pass_.image + channel * layout_.channel_size + row * 4 * layout_.part + column,
                                .part = layout_.part,
                                .tiles = tiles,
                                .points = points_ + channel * layout_.block_tiles + place,
                                .plane = layout_.points_plane});
      });
    }
  }

  void multiply(std::size_t first, std::size_t last, std::size_t count) const {
    const auto width = static_cast<std::size_t>(pass_.kernels.columns);
    const bool filters_stay = winograd_points * layout_.filters * layout_.channels <= cached_filters;
    for (std::size_t point = 0; point < winograd_points; ++point) {
      const float* filters = pass_.filters + point * layout_.filters * layout_.channels;
      for (std::size_t panel = first; panel < last; ++panel) {
        const std::size_t row = row_panels_.begin(panel);
        const std::size_t height = row_panels_.height(panel);
        const float* a = filters + row * layout_.channels;
        // What does not stay in the second cache is asked for ahead.
        const std::size_t step = filters_stay ? 0 : (height * width + count - 1) / count;
        for (std::size_t column = 0; column < count; column += width) {
          pass_.kernels.indirect[height](
              {.depth = layout_.channels,
               .a = a,
               .b = points_ + point * layout_.points_plane + column,
               .offsets = pass_.offsets,
               .c = sums_ + point * layout_.sums_plane + (row - row_panels_.begin(first)) * layout_.block_tiles + column,
               .c_stride = layout_.block_tiles,
               .start = nullptr,
               .accumulate = false,
               .ahead = a + (height + column / width * step) * layout_.channels,
               .ahead_step = step});
        }
      }
    }
  }

  void transform_sums(std::size_t first, std::size_t last, std::size_t begin, std::size_t count) const {
    const std::size_t first_filter = row_panels_.begin(first);
    const std::size_t last_filter = row_panels_.begin(last - 1) + row_panels_.height(last - 1);
    const auto rows = count_of(pass_.geometry.output[1]);
    const auto columns = count_of(pass_.geometry.output[2]);
    for (std::size_t filter = first_filter; filter < last_filter; ++filter) {
      for_rows(begin, count, [&](std::size_t row, std::size_t column, std::size_t tiles, std::size_t place) {
        const std::size_t start = pass_.first_output + filter * pass_.output_size() + 2 * (row * columns + column);
        pass_.transforms.output({.sums = sums_ + (filter - first_filter) * layout_.block_tiles + place,
                                 .plane = layout_.sums_plane,
                                 .tiles = tiles,
                                 .start = pass_.bias == nullptr ? 0.0F : pass_.bias[filter],
                                 .outputs = pass_.outputs + start,
                                 .pitch = columns,
                                 .columns = std::min(2 * tiles, columns - 2 * column),
                                 .rows = std::min<std::size_t>(2, rows - 2 * row),
                                 .addend = pass_.epilogue.addend == nullptr ? nullptr : pass_.epilogue.addend + start,
                                 .bounds = clamps_ ? bounds_ : nullptr});
      });
    }
  }

  const WinogradPass& pass_;
  const WinogradLayout& layout_;
  RowPanels row_panels_;
  float* points_;
  float* sums_;
  float bounds_[2];
  bool clamps_;
};

void pad_image(const ConvolutionGeometry& geometry, const WinogradKernels& transforms, const WinogradLayout& layout, const float* channels,
               float* image) {
  parallel_for(layout.channels, [&](std::size_t channel, std::size_t) {
    transforms.pad({.channel = channels + static_cast<std::int64_t>(channel) * geometry.input_size(),
                    .rows = count_of(geometry.input[1]),
                    .columns = count_of(geometry.input[2]),
                    .pad_top = count_of(geometry.pad[1]),
                    .pad_left = count_of(geometry.pad[2]),
                    .padded = image + channel * layout.channel_size,
                    .padded_rows = 2 * (layout.tiles_down + 1),
                    .part = layout.part});
  });
}

// With few blocks the filters are shared out too: each thread then transforms the image's tiles for itself.
void run_blocks(const WinogradPass& pass, const WinogradLayout& layout, float* of_threads) {
  const auto threads = static_cast<std::size_t>(thread_count());
  const std::size_t wanted = threads == 1 || layout.blocks >= 4 * threads ? 1 : 2 * threads / std::min(layout.blocks, 2 * threads);
  const std::size_t shares = std::min(wanted, layout.panels);
  parallel_for(layout.blocks * shares, [&](std::size_t task, std::size_t thread) {
    const WinogradWorker worker(pass, layout, of_threads + thread * layout.of_thread());
    const std::size_t share = task % shares;
    worker.run(task / shares, share * layout.panels / shares, (share + 1) * layout.panels / shares);
  });
}

// Functions that are no bounds, over all filters of a group: they are rare behind such a convolution.
void activate_outputs(const WinogradPass& pass) {
  const Activation& activation = pass.epilogue.activation;
  if (activation.is_identity() || activation.kind == ActivationKind::clamp) return;
  parallel_for(pass.filter_count(), [&](std::size_t filter, std::size_t) {
    float* outputs = pass.outputs + pass.first_output + filter * pass.output_size();
    pass.epilogue.activate(activation, outputs, outputs, pass.output_size());
  });
}

}  // namespace

bool suits_winograd(const ConvolutionGeometry& geometry) {
  const bool flat = geometry.input[0] == 1 && geometry.output[0] == 1 && geometry.pad[0] == 0;
  const bool plain = geometry.kernel == Sizes3{1, 3, 3} && geometry.stride == Sizes3{1, 1, 1} && geometry.dilation == Sizes3{1, 1, 1};
  // With fewer tiles a panel of columns is half empty: 4x4 outputs take 1.7 times as long as directly, 8x8 outputs 0.9 times.
  constexpr std::int64_t least_tiles = 9;
  const std::int64_t tiles = (geometry.output[1] + 1) / 2 * ((geometry.output[2] + 1) / 2);
  return flat && plain && geometry.channels >= 16 && geometry.filters >= 16 && tiles >= least_tiles;
}

void pack_winograd_filters(const SgemmKernels& kernels, const ConvolutionGeometry& geometry, const float* filters, float* packed) {
  const auto channels = count_of(geometry.channels);
  const std::size_t size = count_of(geometry.filters) * channels;
  std::vector<float> points(winograd_points * size);  // [filter, channel, point]
  for (std::size_t index = 0; index < size; ++index) winograd_filter(filters + index * 9, points.data() + index * winograd_points);
  for (std::size_t point = 0; point < winograd_points; ++point) {
    pack_rows(kernels, {points.data() + point, count_of(geometry.filters), channels, channels * winograd_points, winograd_points},
              packed + point * size);
  }
}

std::size_t winograd_scratch(const SgemmKernels& kernels, const ConvolutionGeometry& geometry) {
  const WinogradLayout layout(kernels, geometry);
  return layout.offsets + layout.image + static_cast<std::size_t>(thread_count()) * whole_lines(layout.of_thread());
}

void convolve_winograd(const SgemmKernels& kernels, const ConvolutionGeometry& geometry, const PackedFilters& filters, const float* bias,
                       const float* input, float* output, std::span<float> scratch, const Epilogue& epilogue) {
  const WinogradLayout layout(kernels, geometry);
  const WinogradKernels& transforms = transforms_of(kernels);
  auto* offsets = reinterpret_cast<std::int32_t*>(scratch.data());
  for (std::size_t channel = 0; channel < layout.channels; ++channel) {
    offsets[channel] = static_cast<std::int32_t>(channel * layout.block_tiles);
  }
  float* image = scratch.data() + layout.offsets;
  for (std::int64_t pair = 0; pair < geometry.batch * geometry.groups; ++pair) {
    const std::int64_t group = pair % geometry.groups;
    pad_image(geometry, transforms, layout, input + pair * geometry.channels * geometry.input_size(), image);
    const WinogradPass pass{.kernels = kernels,
                            .transforms = transforms,
                            .geometry = geometry,
                            .filters = filters.group(group),
                            .bias = bias == nullptr ? nullptr : bias + group * geometry.filters,
                            .image = image,
                            .offsets = offsets,
                            .outputs = output,
                            .first_output = static_cast<std::size_t>(pair * geometry.filters * geometry.output_size()),
                            .epilogue = epilogue};
    run_blocks(pass, layout, image + layout.image);
    activate_outputs(pass);
  }
}

}  // namespace titrate::kernels
