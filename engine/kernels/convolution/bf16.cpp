#include "engine/kernels/convolution/bf16.hpp"

#include <algorithm>
#include <limits>

#include "engine/base/error.hpp"
#include "engine/kernels/convolution/gather.hpp"
#include "engine/kernels/convolution/phases.hpp"
#include "engine/kernels/threads.hpp"

namespace titrate::kernels {
namespace {

std::size_t of(std::int64_t size) { return static_cast<std::size_t>(size); }

constexpr std::size_t read_ahead = 32;     // floats that gathering may read and write behind
constexpr std::size_t gathered_rows = 64;  // of the im2col matrix at a time: 8 KB of floats stay in the first cache until they are pairs
constexpr std::size_t most_together = 8;   // panels of columns that meet a panel of filters in turn,
constexpr std::size_t together_words = 49152;  // as many as 192 KB of the second cache hold

struct Sizes {
  std::size_t width, pairs, panel, together, staging, per_thread;  // in words or floats

  Sizes(const Bf16Kernels& kernels, const ConvolutionGeometry& geometry)
      : width(static_cast<std::size_t>(kernels.columns)),
        pairs(padded_pairs(kernels, of(geometry.depth()))),
        panel(whole_lines(pairs * width)),
        together(std::clamp<std::size_t>(together_words / std::max<std::size_t>(panel, 1), 1, most_together)),
        staging(whole_lines((gathered_rows + 1) * width + read_ahead)),
        per_thread(together * panel + staging) {}
};

// How the scratch memory is divided; what is left is for the threads.
struct Division {
  std::size_t offsets;  // int32, as many floats
  std::size_t image;    // the channels of one group in their phases

  Division(const ConvolutionGeometry& geometry, const PhaseLayout& layout)
      : offsets(whole_lines(of(geometry.depth()))),
        image(layout.is_image() ? 0 : whole_lines(of(geometry.channels * layout.channel_size()) + read_ahead)) {}
};

// One thread's part of one image and group.
class Worker {
 public:
  Worker(const Bf16Kernels& kernels, const Bf16Rounding& rounding, const ConvolutionPass& pass, const PackedBf16Rows& filters,
         const Sizes& sizes, float* scratch)
      : kernels_(kernels),
        rounding_(rounding),
        pass_(pass),
        filters_(filters),
        sizes_(sizes),
        panels_(reinterpret_cast<Bf16Pair*>(scratch)),
        staging_(scratch + sizes.together * sizes.panel) {}

  // Panels of columns [first, last), at most `together`.
  void run(std::size_t first, std::size_t last) const {
    for (std::size_t panel = first; panel < last; ++panel) gather(panel, panels_ + (panel - first) * sizes_.panel);
    const auto height = static_cast<std::size_t>(kernels_.rows);
    for (std::size_t row = 0; row < pass_.filter_count(); row += height) {
      const std::size_t rows = std::min(height, pass_.filter_count() - row);
      for (std::size_t panel = first; panel < last; ++panel) multiply(row, rows, panel, panels_ + (panel - first) * sizes_.panel);
    }
  }

 private:
  [[nodiscard]] std::size_t count_of(std::size_t panel) const { return std::min(sizes_.width, pass_.output_size() - panel * sizes_.width); }

  void gather(std::size_t panel, Bf16Pair* pairs) const {
    const std::size_t width = sizes_.width;
    const std::size_t depth = pass_.depth();
    const OutputRange range(pass_, panel * width, count_of(panel));
    if (count_of(panel) < width) std::fill_n(staging_, sizes_.staging, 0.0F);
    for (std::size_t k = 0; k < depth; k += gathered_rows) {
      const std::size_t count = std::min(gathered_rows, depth - k);
      range.gather(pass_, k, count, staging_, width);
      if (count % 2 != 0) std::fill_n(staging_ + count * width, width, 0.0F);
      for (std::size_t row = 0; row < count; row += 2)
        rounding_.pairs(staging_ + row * width, staging_ + (row + 1) * width, pairs + (k + row) / 2 * width, width);
    }
    const std::size_t made = (depth + 1) / 2;
    std::fill_n(pairs + made * width, (sizes_.pairs - made) * width, 0U);
  }

  void multiply(std::size_t row, std::size_t rows, std::size_t panel, const Bf16Pair* pairs) const {
    alignas(64) float sums[static_cast<std::size_t>(bf16_most_rows) * static_cast<std::size_t>(bf16_most_columns)];
    const std::size_t width = sizes_.width;
    const auto padding = static_cast<std::size_t>(kernels_.row_padding);
    for (std::size_t i = 0; i < (rows + padding - 1) / padding * padding; ++i)
      std::fill_n(sums + i * width, width, pass_.bias != nullptr && i < rows ? pass_.bias[row + i] : 0.0F);
    kernels_.tiles[rows](
        {.pairs = sizes_.pairs, .a = filters_.row(row), .a_stride = filters_.stride(), .b = pairs, .c = sums, .c_stride = width});
    for (std::size_t i = 0; i < rows; ++i) {
      const std::size_t first = pass_.first_output + (row + i) * pass_.output_size() + panel * width;
      std::copy_n(sums + i * width, count_of(panel), pass_.outputs + first);
      pass_.epilogue.finish(pass_.outputs, first, count_of(panel));
    }
  }

  const Bf16Kernels& kernels_;
  const Bf16Rounding& rounding_;
  const ConvolutionPass& pass_;
  const PackedBf16Rows& filters_;
  const Sizes& sizes_;
  Bf16Pair* panels_;
  float* staging_;
};

void convolve_group(const Bf16Kernels& kernels, const Bf16Rounding& rounding, const ConvolutionPass& pass, const PackedBf16Rows& filters,
                    float* scratch) {
  const Sizes sizes(kernels, pass.geometry);
  const std::size_t panels = (pass.output_size() + sizes.width - 1) / sizes.width;
  const auto threads = static_cast<std::size_t>(thread_count());
  const std::size_t together = threads > 1 ? std::clamp<std::size_t>(panels / (4 * threads), 1, sizes.together) : sizes.together;
  parallel_for((panels + together - 1) / together, [&](std::size_t task, std::size_t thread) {
    if (kernels.begin != nullptr) kernels.begin();
    Worker(kernels, rounding, pass, filters, sizes, scratch + thread * sizes.per_thread)
        .run(task * together, std::min(panels, (task + 1) * together));
    if (kernels.end != nullptr) kernels.end();
  });
}

}  // namespace

PackedBf16Filters::PackedBf16Filters(const Bf16Kernels& kernels, const ConvolutionGeometry& geometry, const std::uint16_t* filters) {
  const std::size_t count = of(geometry.filters);
  const std::size_t depth = of(geometry.depth());
  for (std::size_t group = 0; group < of(geometry.groups); ++group)
    groups_.emplace_back(kernels, Bf16View{filters + group * count * depth, count, depth, depth, 1});
}

std::size_t bf16_convolution_scratch(const Bf16Kernels& kernels, const ConvolutionGeometry& geometry) {
  const PhaseLayout layout(geometry);
  if (geometry.channels * layout.channel_size() > std::numeric_limits<std::int32_t>::max()) {
    throw_invalid("the image of a convolution has more than 2^31 elements in a group");
  }
  const Division division(geometry, layout);
  return division.offsets + division.image + static_cast<std::size_t>(thread_count()) * Sizes(kernels, geometry).per_thread;
}

void convolve(const Bf16ConvolutionKernels& kernels, const ConvolutionGeometry& geometry, const PackedBf16Filters& filters,
              const float* bias, const float* input, float* output, std::span<float> scratch, const Epilogue& epilogue) {
  const PhaseLayout layout(geometry);
  const Division division(geometry, layout);
  auto* offsets = reinterpret_cast<std::int32_t*>(scratch.data());
  layout.offsets(geometry, offsets);
  float* image = scratch.data() + division.offsets;
  float* of_threads = image + division.image;
  if (!layout.is_image()) std::fill(image + geometry.channels * layout.channel_size(), of_threads, 0.0F);
  for (std::int64_t pair = 0; pair < geometry.batch * geometry.groups; ++pair) {
    const std::int64_t group = pair % geometry.groups;
    const float* channels = input + pair * geometry.channels * geometry.input_size();
    if (!layout.is_image()) layout.fill(geometry, channels, image, pair == 0);
    const ConvolutionPass pass{.kernels = kernels.gather,
                               .geometry = geometry,
                               .layout = layout,
                               .filters = nullptr,
                               .bias = bias == nullptr ? nullptr : bias + group * geometry.filters,
                               .image = layout.is_image() ? channels : image,
                               .offsets = offsets,
                               .outputs = output,
                               .first_output = of(pair * geometry.filters * geometry.output_size()),
                               .epilogue = epilogue};
    convolve_group(kernels.product, kernels.rounding, pass, filters.group(of(group)), of_threads);
  }
}

}  // namespace titrate::kernels
