#include "engine/kernels/convolution/columns.hpp"

#include <numeric>

#include "engine/kernels/convolution/gather.hpp"
#include "engine/kernels/sgemm/matrix.hpp"
#include "engine/kernels/threads.hpp"

namespace titrate::kernels {
namespace {

constexpr std::size_t gather_slack = 32;

std::size_t panel_size(const SgemmKernels& kernels, const ConvolutionGeometry& geometry) {
  const DepthBlocks blocks(kernels, static_cast<std::size_t>(geometry.depth()));
  return whole_lines(blocks.longest() * static_cast<std::size_t>(kernels.columns) + gather_slack);
}

// Rows of a dense image can be read where they are, unless their distance makes them share a few sets of the first cache (64 sets of 64
// bytes, eight ways; a quarter is left to the filters).
bool collides(const ConvolutionPass& pass, std::size_t depth) {
  const std::int64_t lines = std::max<std::int64_t>(1, pass.layout.channel_size() * 4 / 64);
  const std::int64_t sets = 64 / std::gcd(lines, std::int64_t{64});
  return static_cast<std::int64_t>(depth) > sets * 6;
}

// One thread's part: its memory, and how it multiplies.
class ColumnWorker {
 public:
  ColumnWorker(const ConvolutionPass& pass, float* scratch)
      : pass_(pass),
        collides_(!pass.layout.dense() || collides(pass, DepthBlocks(pass.kernels, pass.depth()).longest())),
        panels_(pass.kernels, pass.filter_count()),
        blocks_(pass.kernels, pass.depth()),
        width_(static_cast<std::size_t>(pass.kernels.columns)),
        panel_(scratch),
        edge_(scratch + panel_size(pass.kernels, pass.geometry)),
        bounds_{pass.epilogue.activation.first, pass.epilogue.activation.second},
        in_tile_(pass.epilogue.activation.is_identity() || pass.epilogue.activation.kind == ActivationKind::clamp) {}

  // Panels of columns [first, last), for one block of the depth after the other: the block's filters stay in the second cache.
  void run(std::size_t first, std::size_t last) const {
    for (std::size_t block = 0; block < blocks_.count; ++block) {
      for (std::size_t panel = first; panel < last; ++panel) {
        const std::size_t column = panel * width_;
        const std::size_t count = std::min(width_, pass_.output_size() - column);
        if (count == width_) {
          run_panel(block, column);
        } else {
          run_edge(block, column, count);
        }
      }
    }
  }

 private:
  [[nodiscard]] bool is_last(std::size_t block) const { return block + 1 == blocks_.count; }

  void run_panel(std::size_t block, std::size_t column) const {
    const std::size_t first = pass_.first_output + column;
    const OutputRange range(pass_, column, width_);
    const bool copied = collides_ || !range.is_one_run();
    if (copied) range.gather(pass_, blocks_.begin(block), depth_of(block), panel_, width_);
    SgemmTile tile = tile_of(block);
    tile.b = copied ? panel_ : pass_.image + range.source();
    tile.offsets = copied ? nullptr : pass_.offsets + blocks_.begin(block);
    tile.c_stride = pass_.output_size();
    if (is_last(block) && in_tile_ && !pass_.epilogue.activation.is_identity()) tile.bounds = bounds_;
    const float* addend = is_last(block) && in_tile_ ? pass_.epilogue.addend : nullptr;
    for (std::size_t index = 0; index < panels_.count; ++index) {
      const std::size_t row = panels_.begin(index);
      const std::size_t start = first + row * tile.c_stride;
      tile.c = pass_.outputs + start;
      tile.addend = addend == nullptr ? nullptr : addend + start;
      multiply(tile, block, index, copied);
    }
    if (!is_last(block) || in_tile_) return;
    for (std::size_t row = 0; row < pass_.filter_count(); ++row) pass_.epilogue.finish(pass_.outputs, first + row * tile.c_stride, width_);
  }

  // The last outputs are fewer than a tile is wide: their sums are kept apart until they are finished.
  void run_edge(std::size_t block, std::size_t column, std::size_t count) const {
    const OutputRange range(pass_, column, count);
    if (block == 0) std::fill_n(panel_, panel_size(pass_.kernels, pass_.geometry), 0.0F);
    range.gather(pass_, blocks_.begin(block), depth_of(block), panel_, width_);
    SgemmTile tile = tile_of(block);
    tile.b = panel_;
    tile.c_stride = width_;
    for (std::size_t index = 0; index < panels_.count; ++index) {
      tile.c = edge_ + panels_.begin(index) * width_;
      multiply(tile, block, index, true);
    }
    if (!is_last(block)) return;
    for (std::size_t row = 0; row < pass_.filter_count(); ++row) {
      const std::size_t first = pass_.first_output + row * pass_.output_size() + column;
      std::copy_n(edge_ + row * width_, count, pass_.outputs + first);
      pass_.epilogue.finish(pass_.outputs, first, count);
    }
  }

  [[nodiscard]] std::size_t depth_of(std::size_t block) const { return blocks_.begin(block + 1) - blocks_.begin(block); }

  [[nodiscard]] SgemmTile tile_of(std::size_t block) const {
    return {.depth = depth_of(block),
            .a = nullptr,
            .b = nullptr,
            .offsets = nullptr,
            .c = nullptr,
            .c_stride = 0,
            .start = nullptr,
            .accumulate = block > 0};
  }

  void multiply(SgemmTile& tile, std::size_t block, std::size_t panel, bool packed) const {
    const std::size_t row = panels_.begin(panel);
    const std::size_t height = panels_.height(panel);
    tile.a = pass_.filters + row * pass_.depth() + blocks_.begin(block) * height;
    tile.start = block == 0 && pass_.bias != nullptr ? pass_.bias + row : nullptr;
    (packed ? pass_.kernels.packed : pass_.kernels.indirect)[height](tile);
  }

  const ConvolutionPass& pass_;
  bool collides_;
  RowPanels panels_;
  DepthBlocks blocks_;
  std::size_t width_;
  float* panel_;
  float* edge_;
  float bounds_[2];
  bool in_tile_;
};

}  // namespace

std::size_t columns_scratch(const SgemmKernels& kernels, const ConvolutionGeometry& geometry) {
  return panel_size(kernels, geometry) + whole_lines(static_cast<std::size_t>(geometry.filters * kernels.columns));
}

void convolve_columns(const ConvolutionPass& pass, float* scratch) {
  const auto width = static_cast<std::size_t>(pass.kernels.columns);
  const std::size_t panels = (pass.output_size() + width - 1) / width;
  const std::size_t per_thread = columns_scratch(pass.kernels, pass.geometry);
  // What one task sums up takes 128 KB of the second cache; with several threads there are enough tasks for all.
  constexpr std::size_t cached_outputs = 32768;
  std::size_t together = std::max<std::size_t>(4, cached_outputs / (width * pass.filter_count()));
  const auto threads = static_cast<std::size_t>(thread_count());
  if (threads > 1) together = std::clamp<std::size_t>(panels / (4 * threads), 1, together);
  parallel_for((panels + together - 1) / together, [&](std::size_t task, std::size_t thread) {
    const ColumnWorker worker(pass, scratch + thread * per_thread);
    worker.run(task * together, std::min(panels, (task + 1) * together));
  });
}

}  // namespace titrate::kernels
