#include "engine/kernels/convolution/blocked_winograd.hpp"

#include <algorithm>

#include "engine/kernels/channel_blocks/winograd/winograd.hpp"
#include "engine/kernels/convolution/blocked_rows.hpp"
#include "engine/kernels/convolution/winograd.hpp"
#include "engine/kernels/sizes.hpp"
#include "engine/kernels/threads.hpp"
#include "engine/kernels/winograd/winograd.hpp"

namespace titrate::kernels {
namespace {

constexpr std::size_t slack = 16;              // from point to point: else all sixteen would fall on the same lines of the first cache
constexpr std::size_t cached_points = 32768;   // floats of a task's points, if filters stay in the second cache beside them
constexpr std::size_t cached_filters = 65536;  // floats: 256 KB, half of the second cache
constexpr std::size_t pass_floats = 4096;      // filters of a point that are in the first cache at once
constexpr std::size_t tasks_per_thread = 4;

// A task takes some rows of tiles and a share of the runs of filter blocks.
struct WinogradPlan {
  std::size_t lanes, channels, channel_blocks;
  std::size_t tiles_down, tiles_across;
  std::size_t rows_per_task, chunks, shares;
  std::size_t tiles;                     // of a task, at most
  std::size_t points_plane, sums_plane;  // floats from point to point
  std::size_t image;                     // floats of the padded rows of a task

  WinogradPlan(const BlockedFilters& filters, const ConvolutionGeometry& geometry)
      : lanes(filters.lanes()),
        channels(filters.channels()),
        channel_blocks(channels / lanes),
        tiles_down(quotient(count_of(geometry.output[1]), 2)),
        tiles_across(quotient(count_of(geometry.output[2]), 2)) {
    // Filters from farther away are worth more points at once.
    const bool filters_stay = winograd_points * channels * filters.blocks() * lanes <= cached_filters;
    const std::size_t of_row = winograd_points * channels * tiles_across;
    rows_per_task = std::clamp<std::size_t>((filters_stay ? 1 : 4) * cached_points / of_row, 1, tiles_down);
    shares = 1;
    const std::size_t threads = count_of(thread_count());
    if (threads > 1) {
      const std::size_t wanted = quotient(threads * tasks_per_thread, count_of(geometry.batch * geometry.groups));
      if (quotient(tiles_down, rows_per_task) < wanted && filters_stay) rows_per_task = std::max<std::size_t>(1, tiles_down / wanted);
      const std::size_t chunks_now = quotient(tiles_down, rows_per_task);
      if (chunks_now < wanted) shares = std::min(filters.runs(), quotient(wanted, chunks_now));
    }
    chunks = quotient(tiles_down, rows_per_task);
    tiles = rows_per_task * tiles_across;
    points_plane = channels * tiles + slack;
    sums_plane = std::min(filters.blocks(), blocked_most_blocks) * lanes * tiles + slack;
    image = whole_lines(channels * (2 * rows_per_task + 2) * (2 * tiles_across + 2));
  }
  [[nodiscard]] std::size_t of_thread() const { return image + winograd_points * (points_plane + sums_plane); }
};

class WinogradConvolution {
 public:
  WinogradConvolution(const BlockedFilters& filters, const ConvolutionGeometry& geometry, const float* input, float* output,
                      const Epilogue& epilogue)
      : filters_(filters),
        geometry_(geometry),
        plan_(filters, geometry),
        transforms_(blocked_winograd_kernels(filters.isa())),
        input_(input),
        output_(output),
        epilogue_(epilogue) {}

  void run(float* scratch) const {
    const std::size_t tasks = count_of(geometry_.batch * geometry_.groups) * plan_.chunks * plan_.shares;
    parallel_for(tasks, [&](std::size_t task, std::size_t thread) {
      const std::size_t share = task % plan_.shares;
      const std::size_t first = task / plan_.shares % plan_.chunks * plan_.rows_per_task;
      const Tiles tiles{
          .pair = task / plan_.shares / plan_.chunks, .first_row = first, .rows = std::min(plan_.rows_per_task, plan_.tiles_down - first)};
      float* image = scratch + thread * plan_.of_thread();
      float* points = image + plan_.image;
      transform_image(tiles, image, points);
      const std::size_t runs = filters_.runs();
      for (std::size_t run = share * runs / plan_.shares; run < (share + 1) * runs / plan_.shares; ++run) {
        float* sums = points + winograd_points * plan_.points_plane;
        multiply(tiles, run, points, sums);
        transform_sums(tiles, run, sums);
      }
    });
  }

 private:
  struct Tiles {
    std::size_t pair;  // image and group
    std::size_t first_row;
    std::size_t rows;
  };

  void transform_image(const Tiles& tiles, float* image, float* points) const {
    const std::size_t size = count_of(geometry_.input_size()) * plan_.channels;
    const ImageRows padded = copy_padded(
        {input_ + tiles.pair * size, plan_.channel_blocks, count_of(geometry_.input[1]), count_of(geometry_.input[2]), plan_.lanes},
        {.top = static_cast<std::ptrdiff_t>(2 * tiles.first_row) - geometry_.pad[1],
         .count = 2 * tiles.rows + 2,
         .left = count_of(geometry_.pad[2]),
         .pitch = 2 * plan_.tiles_across + 2},
        image);
    for (std::size_t block = 0; block < plan_.channel_blocks; ++block) {
      for (std::size_t row = 0; row < tiles.rows; ++row) {
        transforms_.input({.image = padded.first + block * padded.group_stride + 2 * row * padded.row_stride,
                           .row_stride = padded.row_stride,
                           .tiles = plan_.tiles_across,
                           .points = points + (block * plan_.tiles + row * plan_.tiles_across) * plan_.lanes,
                           .plane = plan_.points_plane});
      }
    }
  }

  void multiply(const Tiles& tiles, std::size_t run, const float* points, float* sums) const {
    static constexpr float zeros[blocked_most_blocks * 16] = {};
    constexpr std::size_t no_offset = 0;
    const std::size_t blocks = filters_.run_begin(run + 1) - filters_.run_begin(run);
    const std::size_t pass = std::max(plan_.lanes, pass_floats / (blocks * plan_.lanes) / plan_.lanes * plan_.lanes);
    const float* packed = filters_.run(tiles.pair % count_of(geometry_.groups), run);
    for (std::size_t point = 0; point < winograd_points; ++point) {
      for (std::size_t channel = 0; channel < plan_.channels; channel += pass) {
        const std::size_t channels = std::min(pass, plan_.channels - channel);
        const std::size_t filter_floats = channels * blocks * plan_.lanes;
        filters_.kernels().one_tap[blocks]({.image = points + point * plan_.points_plane + channel * plan_.tiles,
                                            .channels = channels,
                                            .neighbours = plan_.lanes,
                                            .channel_stride = plan_.tiles * plan_.lanes,
                                            .taps = &no_offset,
                                            .tap_count = 1,
                                            .pixel_stride = plan_.lanes,
                                            .filters = packed,
                                            .outputs = sums + point * plan_.sums_plane,
                                            .block_stride = plan_.tiles * plan_.lanes,
                                            .pixels = tiles.rows * plan_.tiles_across,
                                            .start = channel == 0 ? zeros : nullptr,
                                            .ahead = packed + filter_floats,
                                            .ahead_floats = filter_floats});
        packed += filter_floats;
      }
    }
  }

  void transform_sums(const Tiles& tiles, std::size_t run, const float* sums) const {
    const std::size_t rows = count_of(geometry_.output[1]);
    const std::size_t columns = count_of(geometry_.output[2]);
    const float bounds[2] = {epilogue_.activation.first, epilogue_.activation.second};
    const bool clamps = epilogue_.activation.kind == ActivationKind::clamp;
    const float* start = filters_.start(tiles.pair % count_of(geometry_.groups));
    for (std::size_t block = filters_.run_begin(run); block < filters_.run_begin(run + 1); ++block) {
      const float* of_block = sums + (block - filters_.run_begin(run)) * plan_.tiles * plan_.lanes;
      for (std::size_t row = 0; row < tiles.rows; ++row) {
        const std::size_t first_row = 2 * (tiles.first_row + row);
        const std::size_t place = ((tiles.pair * filters_.blocks() + block) * rows + first_row) * columns * plan_.lanes;
        const std::size_t height = std::min<std::size_t>(2, rows - first_row);
        transforms_.output({.sums = of_block + row * plan_.tiles_across * plan_.lanes,
                            .plane = plan_.sums_plane,
                            .tiles = plan_.tiles_across,
                            .start = start + block * plan_.lanes,
                            .outputs = output_ + place,
                            .row_stride = columns * plan_.lanes,
                            .columns = columns,
                            .rows = height,
                            .addend = epilogue_.addend == nullptr ? nullptr : epilogue_.addend + place,
                            .bounds = clamps ? bounds : nullptr});
        if (!clamps && !epilogue_.activation.is_identity())
          epilogue_.activate(epilogue_.activation, output_ + place, output_ + place, height * columns * plan_.lanes);
      }
    }
  }

  const BlockedFilters& filters_;
  const ConvolutionGeometry& geometry_;
  WinogradPlan plan_;
  const BlockedWinogradKernels& transforms_;
  const float* input_;
  float* output_;
  const Epilogue& epilogue_;
};

}  // namespace

bool suits_blocked_winograd(const ConvolutionGeometry& geometry, ImageOrder input) {
  const bool flat = geometry.input[0] == 1 && geometry.output[0] == 1 && geometry.pad[0] == 0;
  const bool plain = geometry.kernel == Sizes3{1, 3, 3} && geometry.stride == Sizes3{1, 1, 1} && geometry.dilation == Sizes3{1, 1, 1};
  return flat && plain && input == ImageOrder::blocks;
}

// Where planes have this form, so that a network has the same bits in both layouts. In blocks four tiles would be enough (4x4 outputs of 64
// channels: 0.63 of the direct time).
BlockedForm preferred_blocked_form(const ConvolutionGeometry& geometry, ImageOrder input) {
  return input == ImageOrder::blocks && suits_winograd(geometry) ? BlockedForm::winograd : BlockedForm::direct;
}

std::size_t blocked_winograd_scratch(const BlockedFilters& filters, const ConvolutionGeometry& geometry) {
  return count_of(thread_count()) * WinogradPlan(filters, geometry).of_thread();
}

void convolve_blocked_winograd(const BlockedFilters& filters, const ConvolutionGeometry& geometry, const float* input, float* output,
                               std::span<float> scratch, const Epilogue& epilogue) {
  WinogradConvolution(filters, geometry, input, output, epilogue).run(scratch.data());
}

}  // namespace titrate::kernels
