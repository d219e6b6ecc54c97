#include "engine/kernels/convolution/depthwise_int8.hpp"

#include <algorithm>
#include <array>
#include <numeric>

#include "engine/kernels/threads.hpp"

namespace titrate::kernels {
namespace {

std::size_t pairs_of(const ConvolutionGeometry& geometry) { return static_cast<std::size_t>(geometry.kernel[2] + 1) / 2; }
std::size_t tap_rows_of(const ConvolutionGeometry& geometry) { return static_cast<std::size_t>(geometry.kernel[0] * geometry.kernel[1]); }

std::size_t rounded_up(std::size_t size) { return (size + 63) / 64 * 64; }

}  // namespace

// --- packing

PackedDepthwise::PackedDepthwise(const ConvolutionGeometry& geometry, std::span<const std::int16_t> differences,
                                 std::span<const std::int32_t> bias, std::int32_t x_zero, std::span<const float> multipliers)
    : channels_(static_cast<std::size_t>(geometry.groups)),
      x_zero_(x_zero),
      weights_size_(tap_rows_of(geometry) * pairs_of(geometry) * depthwise_position),
      weights_(blocks() * weights_size_),
      start_(blocks() * depthwise_block),
      multipliers_(blocks() * depthwise_block) {
  const auto taps = static_cast<std::size_t>(geometry.taps());
  const auto width = static_cast<std::size_t>(geometry.kernel[2]);
  for (std::size_t index = 0; index < blocks(); ++index) {
    const std::size_t first = block(index).first;
    for (std::size_t lane = 0; lane < std::min(depthwise_block, channels_ - first); ++lane) {
      const std::span<const std::int16_t> filter = differences.subspan((first + lane) * taps, taps);
      std::uint32_t sum = 0;  // unsigned: absurd sums wrap around
      for (std::size_t tap = 0; tap < taps; ++tap) {
        const std::size_t pair = tap / width * pairs_of(geometry) + tap % width / 2;
        weights_[index * weights_size_ + pair * depthwise_position + 2 * lane + tap % width % 2] = filter[tap];
        sum += static_cast<std::uint32_t>(filter[tap]);
      }
      const std::uint32_t from = bias.empty() ? 0 : static_cast<std::uint32_t>(bias[first + lane]);
      start_[index * depthwise_block + lane] = static_cast<std::int32_t>(from - static_cast<std::uint32_t>(x_zero) * sum);
      multipliers_[index * depthwise_block + lane] = multipliers[first + lane];
    }
  }
}

PackedDepthwise::Block PackedDepthwise::block(std::size_t index) const {
  const std::size_t begin = index * depthwise_block;
  const std::size_t stored = std::min(depthwise_block, channels_ - begin);
  if (stored == depthwise_block || channels_ < depthwise_block) return {begin, 0, stored};
  return {channels_ - depthwise_block, depthwise_block - stored, stored};  // shares channels with the block before it
}

// --- running

namespace {

// Which expanded rows are kept: for each block as many as the rows of taps span, so that the rows of one output row are there together. An
// image row always has the same place.
struct RowCache {
  std::array<std::int64_t, 2> places;  // planes, rows
  std::int64_t positions;
  std::int64_t step;       // pixels between positions
  std::size_t blocks = 1;  // that go through the image together

  explicit RowCache(const ConvolutionGeometry& geometry) {
    for (std::size_t axis = 0; axis < 2; ++axis) {
      const std::int64_t extent = (geometry.kernel[axis] - 1) * geometry.dilation[axis] + 1;
      places[axis] = std::max<std::int64_t>(1, std::min(extent, geometry.input[axis]));
    }
    const std::int64_t between_pairs = 2 * geometry.dilation[2];
    const auto pairs = static_cast<std::int64_t>(pairs_of(geometry));
    step = pairs > 1 ? std::gcd(geometry.stride[2], between_pairs) : geometry.stride[2];
    positions = ((geometry.output[2] - 1) * geometry.stride[2] + (pairs - 1) * between_pairs) / step + 1;
    // Four blocks are one line of the cache, which is then fetched once; but the rows should stay in three quarters of a first-level cache
    // of 32 KiB.
    constexpr std::size_t most = 4;
    constexpr std::size_t room = 24 * 1024;
    blocks = std::clamp<std::size_t>(room / (rows() * row_bytes()), 1, most);
  }
  [[nodiscard]] std::size_t row_bytes() const { return static_cast<std::size_t>(positions) * depthwise_position * sizeof(std::int16_t); }
  [[nodiscard]] std::size_t rows() const { return static_cast<std::size_t>(places[0] * places[1]); }  // of one block
  /// One row more, of padding alone, behind those of all blocks.
  [[nodiscard]] std::size_t all_rows_bytes() const { return rounded_up((blocks * rows() + 1) * row_bytes()); }
  [[nodiscard]] std::size_t kept_bytes() const { return rounded_up(blocks * rows() * sizeof(std::int64_t)); }
  [[nodiscard]] std::size_t bytes(const ConvolutionGeometry& geometry) const {
    return all_rows_bytes() + kept_bytes() + rounded_up(tap_rows_of(geometry) * sizeof(const std::int16_t*));
  }
};

template <class Code>
ExpandDepthwise<Code> expansion_of(const DepthwiseInt8Kernels& kernels) {
  if constexpr (static_cast<Code>(-1) < 0) {
    return kernels.expand_s8;
  } else {
    return kernels.expand_u8;
  }
}

template <class Code>
RunDepthwise<Code> row_of(const DepthwiseInt8Kernels& kernels) {
  if constexpr (static_cast<Code>(-1) < 0) {
    return kernels.to_s8;
  } else {
    return kernels.to_u8;
  }
}

// Some blocks of channels that go through one image together.
template <class X, class Y>
class BlocksRun {
 public:
  BlocksRun(const DepthwiseInt8Kernels& kernels, const ConvolutionGeometry& geometry, const PackedDepthwise& packed, std::int32_t y_zero,
            std::byte* scratch)
      : expand_(expansion_of<X>(kernels)), run_row_(row_of<Y>(kernels)), geometry_(geometry), packed_(packed), cache_(geometry) {
    const auto pixel_step = static_cast<std::ptrdiff_t>(packed.channels());
    expansion_ = {.pixels = geometry.input[2],
                  .pixel_step = pixel_step,
                  .first = -geometry.pad[2],
                  .step = cache_.step,
                  .apart = geometry.dilation[2],
                  .positions = cache_.positions,
                  .padding = packed.x_zero(),
                  .channels = std::min(depthwise_block, packed.channels())};
    rows_ = reinterpret_cast<std::int16_t*>(scratch);
    kept_ = {reinterpret_cast<std::int64_t*>(scratch + cache_.all_rows_bytes()), cache_.blocks * cache_.rows()};
    taps_ = reinterpret_cast<const std::int16_t**>(scratch + cache_.all_rows_bytes() + cache_.kept_bytes());
    outputs_ = {.rows = taps_,
                .tap_rows = tap_rows_of(geometry),
                .pairs = pairs_of(geometry),
                .pair_step = 2 * geometry.dilation[2] / cache_.step,
                .output_step = geometry.stride[2] / cache_.step,
                .weights = nullptr,
                .start = nullptr,
                .multipliers = nullptr,
                .zero_point = y_zero,
                .outputs = static_cast<std::size_t>(geometry.output[2]),
                .pixel_step = pixel_step,
                .first_stored = 0,
                .stored = 0};
  }

  /// Blocks from `first_block` on, output rows [begin, end) of an image, rows counted through all planes.
  void run(std::size_t first_block, const X* x, Y* y, std::int64_t begin, std::int64_t end) {
    const std::size_t count = std::min(cache_.blocks, packed_.blocks() - first_block);
    std::fill(kept_.begin(), kept_.end(), std::int64_t{-1});
    fill_padding();
    const std::int64_t row_size = geometry_.output[2] * outputs_.pixel_step;
    for (std::int64_t row = begin; row < end; ++row) {
      for (std::size_t index = 0; index < count; ++index) {
        const std::size_t first_channel = take_block(first_block + index);
        gather_rows(index, x + first_channel, row / geometry_.output[1], row % geometry_.output[1]);
        run_row_(outputs_, y + first_channel + row * row_size);
      }
    }
  }

 private:
  std::size_t take_block(std::size_t index) {
    const PackedDepthwise::Block block = packed_.block(index);
    outputs_.weights = packed_.weights(index);
    outputs_.start = packed_.start(index);
    outputs_.multipliers = packed_.multipliers(index);
    outputs_.first_stored = block.first_stored;
    outputs_.stored = block.stored;
    return block.first;
  }

  std::int16_t* kept_row(std::size_t index) { return rows_ + index * (cache_.row_bytes() / sizeof(std::int16_t)); }

  void fill_padding() {
    DepthwiseExpansion nothing = expansion_;
    nothing.pixels = 0;
    expand_(nothing, nullptr, kept_row(kept_.size()));
  }

  // Points each row of taps of output row (d, h) at its expanded image row, expanding those that are not there yet.
  void gather_rows(std::size_t index, const X* x, std::int64_t d, std::int64_t h) {
    std::size_t tap = 0;
    for (std::int64_t tap_d = 0; tap_d < geometry_.kernel[0]; ++tap_d) {
      const std::int64_t plane = d * geometry_.stride[0] - geometry_.pad[0] + tap_d * geometry_.dilation[0];
      for (std::int64_t tap_h = 0; tap_h < geometry_.kernel[1]; ++tap_h) {
        const std::int64_t row = h * geometry_.stride[1] - geometry_.pad[1] + tap_h * geometry_.dilation[1];
        const bool inside = plane >= 0 && plane < geometry_.input[0] && row >= 0 && row < geometry_.input[1];
        taps_[tap++] = inside ? expanded(index, x, plane, row) : kept_row(kept_.size());
      }
    }
  }

  const std::int16_t* expanded(std::size_t index, const X* x, std::int64_t plane, std::int64_t row) {
    const std::int64_t image_row = plane * geometry_.input[1] + row;
    const std::size_t place =
        index * cache_.rows() + static_cast<std::size_t>(plane % cache_.places[0] * cache_.places[1] + row % cache_.places[1]);
    if (kept_[place] != image_row) {
      expand_(expansion_, x + image_row * geometry_.input[2] * expansion_.pixel_step, kept_row(place));
      kept_[place] = image_row;
    }
    return kept_row(place);
  }

  ExpandDepthwise<X> expand_;
  RunDepthwise<Y> run_row_;
  const ConvolutionGeometry& geometry_;
  const PackedDepthwise& packed_;
  RowCache cache_;
  DepthwiseExpansion expansion_{};
  DepthwiseOutputs outputs_{};
  std::int16_t* rows_;
  std::span<std::int64_t> kept_;  // which image row each place holds
  const std::int16_t** taps_;
};

}  // namespace

std::size_t depthwise_int8_scratch(const ConvolutionGeometry& geometry) {
  return static_cast<std::size_t>(thread_count()) * RowCache(geometry).bytes(geometry);
}

template <class X, class Y>
void convolve_depthwise(const DepthwiseInt8Kernels& kernels, const ConvolutionGeometry& geometry, const PackedDepthwise& packed, const X* x,
                        std::int32_t y_zero, Y* y, std::span<std::byte> scratch) {
  const std::int64_t rows = geometry.output[0] * geometry.output[1];
  const RowCache cache(geometry);
  const auto channels = static_cast<std::int64_t>(packed.channels());
  const std::size_t groups = (packed.blocks() + cache.blocks - 1) / cache.blocks;
  const std::size_t images = static_cast<std::size_t>(geometry.batch) * groups;
  if (rows * geometry.output[2] == 0 || images == 0) return;
  // Where there are few groups of blocks, rows are shared too: a strip expands the rows above its first one again.
  const auto wanted = static_cast<std::size_t>(4 * thread_count());
  const std::size_t strips =
      thread_count() == 1 || images >= wanted ? 1 : std::min<std::size_t>(static_cast<std::size_t>(rows), (wanted + images - 1) / images);
  const std::size_t bytes = cache.bytes(geometry);
  parallel_for(images * strips, [&](std::size_t index, std::size_t thread) {
    const auto strip = static_cast<std::int64_t>(index % strips);
    const auto count = static_cast<std::int64_t>(strips);
    const std::size_t image = index / strips;
    const auto batch = static_cast<std::int64_t>(image / groups);
    BlocksRun<X, Y> run(kernels, geometry, packed, y_zero, scratch.data() + thread * bytes);
    run.run(image % groups * cache.blocks, x + batch * geometry.input_size() * channels, y + batch * geometry.output_size() * channels,
            rows * strip / count, rows * (strip + 1) / count);
  });
}

template void convolve_depthwise(const DepthwiseInt8Kernels&, const ConvolutionGeometry&, const PackedDepthwise&, const std::uint8_t*,
                                 std::int32_t, std::uint8_t*, std::span<std::byte>);
template void convolve_depthwise(const DepthwiseInt8Kernels&, const ConvolutionGeometry&, const PackedDepthwise&, const std::int8_t*,
                                 std::int32_t, std::int8_t*, std::span<std::byte>);
template void convolve_depthwise(const DepthwiseInt8Kernels&, const ConvolutionGeometry&, const PackedDepthwise&, const std::uint8_t*,
                                 std::int32_t, std::int8_t*, std::span<std::byte>);
template void convolve_depthwise(const DepthwiseInt8Kernels&, const ConvolutionGeometry&, const PackedDepthwise&, const std::int8_t*,
                                 std::int32_t, std::uint8_t*, std::span<std::byte>);

}  // namespace titrate::kernels
