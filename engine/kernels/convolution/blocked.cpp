#include "engine/kernels/convolution/blocked.hpp"

#include <algorithm>
#include <vector>

#include "engine/kernels/convolution/blocked_rows.hpp"
#include "engine/kernels/convolution/blocked_winograd.hpp"
#include "engine/kernels/sizes.hpp"
#include "engine/kernels/threads.hpp"
#include "engine/kernels/winograd/winograd.hpp"

namespace titrate::kernels {
namespace {

// A pass of the depth keeps its filters in the first cache while the pixels run by: 20 of 32 KB, the rest is the image's.
constexpr std::size_t cached_filters = 5120;
// Image rows of a task stay in the second cache (512 KB) while all filters meet them, one run of blocks after the other.
constexpr std::size_t cached_image = 32768;
// Tasks for each thread, so that none waits long for the last one.
constexpr std::size_t tasks_per_thread = 4;

// How the work of a convolution is cut. A strip is a row of outputs, or where rows of the image follow each other without a gap (1x1), any
// number of pixels.
struct BlockedPlan {
  std::size_t neighbours, groups, channel_groups;  // neighbours: channels side by side
  std::size_t taps, pass;                          // channels that a pass of the depth takes
  std::size_t rows, columns;                       // of the image
  std::size_t output_rows, output_columns;
  bool flat;              // all pixels are one row
  bool padded;            // rows are copied first, zeros around them
  std::size_t pitch;      // pixels of a row as it is read
  std::size_t span_rows;  // image rows that the outputs of one row read
  std::size_t strips, strips_per_task, chunks, shares;

  BlockedPlan(const BlockedFilters& filters, const ConvolutionGeometry& geometry)
      : neighbours(filters.neighbours()),
        groups(count_of(geometry.groups)),
        channel_groups(filters.channels() / filters.neighbours()),
        taps(count_of(geometry.taps())),
        rows(count_of(geometry.input[1])),
        columns(count_of(geometry.input[2])),
        output_rows(count_of(geometry.output[1])),
        output_columns(count_of(geometry.output[2])) {
    const auto reach = [&](std::size_t axis, std::size_t outputs) {
      return (outputs - 1) * count_of(geometry.stride[axis]) + count_of((geometry.kernel[axis] - 1) * geometry.dilation[axis]) + 1;
    };
    const std::size_t needed_columns = reach(2, output_columns);
    padded = geometry.pad[1] != 0 || geometry.pad[2] != 0 || needed_columns > columns || reach(1, output_rows) > rows;
    flat = taps == 1 && !padded && geometry.stride[1] == 1 && geometry.stride[2] == 1 && output_columns == columns;
    pitch = padded ? needed_columns : columns;
    span_rows = reach(1, 1);
    strips = flat ? output_rows * output_columns : output_rows;

    const std::size_t width = std::min(filters.blocks(), blocked_most_blocks) * filters.lanes();
    pass = std::max<std::size_t>(1, cached_filters / (taps * width * neighbours)) * neighbours;
    cut(filters, geometry);
  }

  // Filters that the second cache does not hold want to be read seldom: then tasks share the filters rather than the image.
  void cut(const BlockedFilters& filters, const ConvolutionGeometry& geometry) {
    const std::size_t strip_floats = filters.channels() * (flat ? 1 : pitch * count_of(geometry.stride[1]));
    strips_per_task = std::clamp<std::size_t>(cached_image / std::max<std::size_t>(strip_floats, 1), 1, strips);
    const std::size_t threads = count_of(thread_count());
    const std::size_t images = count_of(geometry.batch) * groups;
    shares = 1;
    if (threads > 1) {
      const std::size_t wanted = quotient(threads * tasks_per_thread, images);  // of an image
      const std::size_t chunks_now = quotient(strips, strips_per_task);
      if (chunks_now < wanted) shares = std::min(filters.runs(), quotient(wanted, chunks_now));
      if (chunks_now * shares < wanted) strips_per_task = std::max<std::size_t>(1, strips / quotient(wanted, shares));
    }
    chunks = quotient(strips, strips_per_task);
  }

  [[nodiscard]] std::size_t padded_floats(const ConvolutionGeometry& geometry) const {
    if (!padded) return 0;
    const std::size_t span = (strips_per_task - 1) * count_of(geometry.stride[1]) + span_rows;
    return whole_lines(channel_groups * neighbours * span * pitch);
  }
};

class BlockedConvolution {
 public:
  BlockedConvolution(const BlockedFilters& filters, const ConvolutionGeometry& geometry, const float* input, float* output,
                     const Epilogue& epilogue)
      : filters_(filters), geometry_(geometry), plan_(filters, geometry), input_(input), output_(output), epilogue_(epilogue) {
    for (std::int64_t row = 0; row < geometry.kernel[1]; ++row) {
      for (std::int64_t column = 0; column < geometry.kernel[2]; ++column) {
        taps_.push_back((count_of(row * geometry.dilation[1]) * plan_.pitch + count_of(column * geometry.dilation[2])) * plan_.neighbours);
      }
    }
  }

  void run(float* scratch) const {
    const std::size_t tasks = count_of(geometry_.batch) * plan_.groups * plan_.chunks * plan_.shares;
    const std::size_t of_thread = plan_.padded_floats(geometry_);
    parallel_for(tasks, [&](std::size_t task, std::size_t thread) {
      const std::size_t share = task % plan_.shares;
      const std::size_t chunk = task / plan_.shares % plan_.chunks;
      const std::size_t pair = task / plan_.shares / plan_.chunks;
      const std::size_t first = chunk * plan_.strips_per_task;
      const std::size_t count = std::min(plan_.strips_per_task, plan_.strips - first);
      const ImageRows rows = rows_of(pair, first, count, scratch + thread * of_thread);
      const std::size_t runs = filters_.runs();
      for (std::size_t run = share * runs / plan_.shares; run < (share + 1) * runs / plan_.shares; ++run)
        run_strips(rows, pair, run, first, count);
    });
  }

 private:
  [[nodiscard]] ImageRows rows_of(std::size_t pair, std::size_t first, std::size_t count, float* scratch) const {
    const std::size_t plane = plan_.rows * plan_.columns * plan_.neighbours;
    const float* image = input_ + pair * plan_.channel_groups * plane;
    const std::size_t down = count_of(geometry_.stride[1]);
    if (plan_.padded) {
      return copy_padded({image, plan_.channel_groups, plan_.rows, plan_.columns, plan_.neighbours},
                         {.top = static_cast<std::ptrdiff_t>(first * down) - geometry_.pad[1],
                          .count = (count - 1) * down + plan_.span_rows,
                          .left = count_of(geometry_.pad[2]),
                          .pitch = plan_.pitch},
                         scratch);
    }
    const std::size_t row = plan_.columns * plan_.neighbours;
    const std::size_t begin = plan_.flat ? first * plan_.neighbours : first * down * row;
    return {.first = image + begin, .row_stride = row, .group_stride = plane};
  }

  // All channels for one run of blocks and some strips of outputs.
  void run_strips(const ImageRows& rows, std::size_t pair, std::size_t run, std::size_t first, std::size_t count) const {
    const std::size_t lanes = filters_.lanes();
    const std::size_t group = pair % plan_.groups;
    const std::size_t first_block = filters_.run_begin(run);
    const std::size_t blocks = filters_.run_begin(run + 1) - first_block;
    const std::size_t output_size = plan_.output_rows * plan_.output_columns * lanes;
    const std::size_t pixels = plan_.flat ? count : plan_.output_columns;
    const std::size_t place = (pair * filters_.blocks() + first_block) * output_size + first * (plan_.flat ? 1 : pixels) * lanes;
    const std::size_t steps = plan_.flat ? 1 : count;
    const auto& functions =
        plan_.taps == 1 && filters_.input() == ImageOrder::blocks ? filters_.kernels().one_tap : filters_.kernels().several_taps;
    const float bounds[2] = {epilogue_.activation.first, epilogue_.activation.second};
    const bool clamps = epilogue_.activation.kind == ActivationKind::clamp;
    const float* packed = filters_.run(group, run);
    for (std::size_t channel = 0; channel < filters_.channels(); channel += plan_.pass) {
      const std::size_t channels = std::min(plan_.pass, filters_.channels() - channel);
      const bool last = channel + channels == filters_.channels();
      const std::size_t filter_floats = channels * plan_.taps * blocks * lanes;
      const float* ahead = packed + filter_floats;
      const std::size_t ahead_floats = filter_floats / steps;
      for (std::size_t step = 0; step < steps; ++step) {
        const std::size_t at = place + step * pixels * lanes;
        functions[blocks](
            {.image = rows.first + step * count_of(geometry_.stride[1]) * rows.row_stride + channel / plan_.neighbours * rows.group_stride,
             .channels = channels,
             .neighbours = plan_.neighbours,
             .channel_stride = rows.group_stride,
             .taps = taps_.data(),
             .tap_count = plan_.taps,
             .pixel_stride = count_of(geometry_.stride[2]) * plan_.neighbours,
             .filters = packed,
             .outputs = output_ + at,
             .block_stride = output_size,
             .pixels = pixels,
             .start = channel == 0 ? filters_.start(group) + first_block * lanes : nullptr,
             .addend = last && epilogue_.addend != nullptr ? epilogue_.addend + at : nullptr,
             .bounds = last && clamps ? bounds : nullptr,
             .ahead = ahead + step * ahead_floats,
             .ahead_floats = ahead_floats});
        if (last && !clamps) activate(at, blocks, output_size, pixels * lanes);
      }
      packed += filter_floats;
    }
  }

  void activate(std::size_t at, std::size_t blocks, std::size_t output_size, std::size_t floats) const {
    if (epilogue_.activation.is_identity()) return;
    for (std::size_t block = 0; block < blocks; ++block) {
      float* run = output_ + at + block * output_size;
      epilogue_.activate(epilogue_.activation, run, run, floats);
    }
  }

  const BlockedFilters& filters_;
  const ConvolutionGeometry& geometry_;
  BlockedPlan plan_;
  const float* input_;
  float* output_;
  const Epilogue& epilogue_;
  std::vector<std::size_t> taps_;
};

}  // namespace

bool suits_blocks(const ConvolutionGeometry& geometry, std::size_t lanes, ImageOrder input) {
  const bool two_axes = geometry.kernel[0] == 1 && geometry.input[0] == 1 && geometry.output[0] == 1 && geometry.pad[0] == 0;
  if (!two_axes) return false;
  if (geometry.groups == 1) return true;
  return input == ImageOrder::blocks && count_of(geometry.channels) % lanes == 0 && count_of(geometry.filters) % lanes == 0;
}

BlockedFilters::BlockedFilters(Isa isa, const ConvolutionGeometry& geometry, const float* filters, const float* bias, ImageOrder input,
                               std::optional<BlockedForm> form)
    : isa_(isa),
      kernels_(blocked_convolution_kernels(isa)),
      input_(input),
      form_(form.value_or(preferred_blocked_form(geometry, input))),
      channels_(quotient(count_of(geometry.channels), neighbours()) * neighbours()),
      blocks_(block_count(count_of(geometry.filters), lanes())),
      depth_(channels_ * (form_ == BlockedForm::winograd ? winograd_points : count_of(geometry.taps()))) {
  const std::size_t groups = count_of(geometry.groups);
  const std::size_t count = count_of(geometry.filters);
  packed_.assign(groups * blocks_ * lanes() * depth_, 0.0F);
  start_.assign(groups * blocks_ * lanes(), 0.0F);
  for (std::size_t group = 0; group < groups; ++group) {
    if (bias != nullptr) std::copy_n(bias + group * count, count, start_.data() + group * blocks_ * lanes());
    pack_group(geometry, group, filters + group * count * count_of(geometry.depth()));
  }
}

const float* BlockedFilters::run(std::size_t group, std::size_t run) const {
  return packed_.data() + (group * blocks_ + run_begin(run)) * lanes() * depth_;
}

void BlockedFilters::pack_group(const ConvolutionGeometry& geometry, std::size_t group, const float* filters) {
  const std::size_t depth = count_of(geometry.depth());
  std::vector<float> points(winograd_points);
  for (std::size_t index = 0; index < runs(); ++index) {
    const std::size_t first = run_begin(index) * lanes();
    const std::size_t width = run_begin(index + 1) * lanes() - first;
    float* target = packed_.data() + (run(group, index) - packed_.data());
    for (std::size_t filter = first; filter < std::min(first + width, count_of(geometry.filters)); ++filter) {
      float* column = target + (filter - first);
      if (form_ == BlockedForm::winograd) {
        for (std::size_t channel = 0; channel < count_of(geometry.channels); ++channel) {
          winograd_filter(filters + filter * depth + channel * 9, points.data());
          for (std::size_t point = 0; point < winograd_points; ++point) column[(point * channels_ + channel) * width] = points[point];
        }
      } else {
        for (std::size_t k = 0; k < depth; ++k) column[k * width] = filters[filter * depth + k];
      }
    }
  }
}

std::size_t blocked_scratch(const BlockedFilters& filters, const ConvolutionGeometry& geometry) {
  if (filters.form() == BlockedForm::winograd) return blocked_winograd_scratch(filters, geometry);
  return count_of(thread_count()) * BlockedPlan(filters, geometry).padded_floats(geometry);
}

void convolve_blocked(const BlockedFilters& filters, const ConvolutionGeometry& geometry, const float* input, float* output,
                      std::span<float> scratch, const Epilogue& epilogue) {
  if (filters.form() == BlockedForm::winograd) {
    convolve_blocked_winograd(filters, geometry, input, output, scratch, epilogue);
    return;
  }
  BlockedConvolution(filters, geometry, input, output, epilogue).run(scratch.data());
}

}  // namespace titrate::kernels
