#include "engine/kernels/convolution/columns.hpp"

#include <array>

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

// Panels of columns that stay in the second cache: a panel of filters that stays in the first meets all of them before the next comes. They
// take 64 KB, or 192 where the filters are too large to stay there too: then these come from far away as few times as possible.
constexpr std::size_t most_together = 32;
std::size_t panels_together(const SgemmKernels& kernels, const ConvolutionGeometry& geometry) {
  const bool filters_stay = geometry.filters * geometry.depth() < 131072;
  return std::clamp<std::size_t>((filters_stay ? 16384 : 49152) / panel_size(kernels, geometry), 1, most_together);
}

// Rows of a dense image can be read where they are. A copy costs about what two filters do; it pays where rows do not begin with a line
// (then every other register would lie in two lines), and where many filters read what is spread over as many pages as there are rows.
bool worth_copying(const ConvolutionPass& pass) {
  constexpr std::int64_t line = 16;  // floats
  constexpr std::size_t many_filters = 64;
  return pass.layout.channel_size() % line != 0 || pass.filter_count() >= many_filters;
}

// One thread's part: its memory, and how it multiplies.
class ColumnWorker {
 public:
  ColumnWorker(const ConvolutionPass& pass, float* scratch)
      : pass_(pass),
        copies_panels_(!pass.layout.dense() || worth_copying(pass)),
        panels_(pass.kernels, pass.filter_count()),
        blocks_(pass.kernels, pass.depth()),
        width_(static_cast<std::size_t>(pass.kernels.columns)),
        together_(panels_together(pass.kernels, pass.geometry)),
        panel_size_(panel_size(pass.kernels, pass.geometry)),
        copies_(scratch),
        edge_(scratch + together_ * panel_size_),
        bounds_{pass.epilogue.activation.first, pass.epilogue.activation.second},
        in_tile_(pass.epilogue.activation.is_identity() || pass.epilogue.activation.kind == ActivationKind::clamp) {}

  // Panels of columns [first, last), for one block of the depth after the other: the block's filters stay in the second cache.
  void run(std::size_t first, std::size_t last) const {
    for (std::size_t block = 0; block < blocks_.count; ++block) {
      for (std::size_t begin = first; begin < last; begin += together_) run_together(block, begin, std::min(last, begin + together_));
    }
  }

 private:
  // Where the tiles of a panel of columns read.
  struct Columns {
    const float* b;
    bool packed;
  };

  [[nodiscard]] bool is_last(std::size_t block) const { return block + 1 == blocks_.count; }
  [[nodiscard]] std::size_t depth_of(std::size_t block) const { return blocks_.begin(block + 1) - blocks_.begin(block); }
  [[nodiscard]] std::size_t count_of(std::size_t panel) const { return std::min(width_, pass_.output_size() - panel * width_); }

  [[nodiscard]] const float* filters_of(std::size_t block, std::size_t index) const {
    return pass_.filters + panels_.begin(index) * pass_.depth() + blocks_.begin(block) * panels_.height(index);
  }

  // A panel of filters meets one panel of columns after the other: what is written then lies side by side in the outputs. Each tile asks
  // for its share of the next panel of filters, which may come from memory.
  void run_together(std::size_t block, std::size_t begin, std::size_t end) const {
    std::array<Columns, most_together> columns;
    const std::size_t whole = count_of(end - 1) == width_ ? end : end - 1;
    std::size_t gathered = begin;
    if (pass_.layout.dense() && copies_panels_) {
      gather_side_by_side(block, begin, whole);
      for (; gathered < whole; ++gathered) columns[gathered - begin] = {copies_ + (gathered - begin) * panel_size_, true};
    }
    for (std::size_t panel = gathered; panel < end; ++panel)
      columns[panel - begin] = columns_of(block, panel, copies_ + (panel - begin) * panel_size_);
    SgemmTile tile{.depth = depth_of(block),
                   .a = nullptr,
                   .b = nullptr,
                   .offsets = pass_.offsets + blocks_.begin(block),
                   .c = nullptr,
                   .c_stride = pass_.output_size(),
                   .start = nullptr,
                   .accumulate = block > 0};
    const bool finishes = is_last(block) && in_tile_;
    if (finishes && !pass_.epilogue.activation.is_identity()) tile.bounds = bounds_;
    const float* addend = finishes ? pass_.epilogue.addend : nullptr;
    for (std::size_t index = 0; index < panels_.count; ++index) {
      const std::size_t row = panels_.begin(index);
      const std::size_t height = panels_.height(index);
      tile.a = filters_of(block, index);
      tile.start = block == 0 && pass_.bias != nullptr ? pass_.bias + row : nullptr;
      const std::size_t start = pass_.first_output + row * tile.c_stride;
      const float* next = index + 1 < panels_.count ? filters_of(block, index + 1) : tile.a;
      tile.ahead_step = (height + end - begin - 1) / (end - begin);
      for (std::size_t panel = begin; panel < whole; ++panel) {
        tile.c = pass_.outputs + start + panel * width_;
        tile.addend = addend == nullptr ? nullptr : addend + start + panel * width_;
        tile.ahead = next + (panel - begin) * tile.depth * tile.ahead_step;
        multiply(tile, columns[panel - begin], height);
      }
      if (whole < end) multiply_edge(tile, columns[whole - begin], row, height);
    }
    if (is_last(block)) finish(begin, whole, end);
  }

  // Row after row, so that what is read lies side by side too.
  void gather_side_by_side(std::size_t block, std::size_t begin, std::size_t end) const {
    pass_.kernels.gather_panels({.image = pass_.image + begin * width_,
                                 .offsets = pass_.offsets + blocks_.begin(block),
                                 .depth = depth_of(block),
                                 .count = end - begin,
                                 .panels = copies_,
                                 .panel_stride = panel_size_});
  }

  [[nodiscard]] Columns columns_of(std::size_t block, std::size_t panel, float* copy) const {
    const std::size_t count = count_of(panel);
    const OutputRange range(pass_, panel * width_, count);
    if (count == width_ && !copies_panels_ && range.is_one_run()) return {pass_.image + range.source(), false};
    if (count < width_) std::fill_n(copy, panel_size_, 0.0F);
    range.gather(pass_, blocks_.begin(block), depth_of(block), copy, width_);
    return {copy, true};
  }

  void multiply(SgemmTile& tile, const Columns& columns, std::size_t height) const {
    tile.b = columns.b;
    (columns.packed ? pass_.kernels.packed : pass_.kernels.indirect)[height](tile);
  }

  // The last outputs are fewer than a tile is wide: their sums are kept apart until they are finished.
  void multiply_edge(const SgemmTile& whole, const Columns& columns, std::size_t row, std::size_t height) const {
    SgemmTile tile = whole;
    tile.c = edge_ + row * width_;
    tile.c_stride = width_;
    tile.addend = nullptr;
    tile.bounds = nullptr;
    multiply(tile, columns, height);
  }

  // What tiles could not do: functions that are no bounds, and the edge.
  void finish(std::size_t begin, std::size_t whole, std::size_t end) const {
    const std::size_t count = whole < end ? count_of(whole) : 0;
    if (in_tile_ && count == 0) return;
    for (std::size_t row = 0; row < pass_.filter_count(); ++row) {
      const std::size_t first = pass_.first_output + row * pass_.output_size();
      if (!in_tile_) pass_.epilogue.finish(pass_.outputs, first + begin * width_, (whole - begin) * width_);
      if (count == 0) continue;
      std::copy_n(edge_ + row * width_, count, pass_.outputs + first + whole * width_);
      pass_.epilogue.finish(pass_.outputs, first + whole * width_, count);
    }
  }

  const ConvolutionPass& pass_;
  bool copies_panels_;
  RowPanels panels_;
  DepthBlocks blocks_;
  std::size_t width_;
  std::size_t together_;
  std::size_t panel_size_;
  float* copies_;
  float* edge_;
  float bounds_[2];
  bool in_tile_;
};

}  // namespace

std::size_t columns_scratch(const SgemmKernels& kernels, const ConvolutionGeometry& geometry) {
  return panels_together(kernels, geometry) * panel_size(kernels, geometry) +
         whole_lines(static_cast<std::size_t>(geometry.filters * kernels.columns));
}

void convolve_columns(const ConvolutionPass& pass, float* scratch) {
  const auto width = static_cast<std::size_t>(pass.kernels.columns);
  const std::size_t panels = (pass.output_size() + width - 1) / width;
  const std::size_t per_thread = columns_scratch(pass.kernels, pass.geometry);
  // What one task sums up takes 128 KB of the second cache, unless there are many filters; with several threads there are enough tasks
  // for all.
  constexpr std::size_t cached_outputs = 32768;
  std::size_t together = std::max(panels_together(pass.kernels, pass.geometry), cached_outputs / (width * pass.filter_count()));
  const auto threads = static_cast<std::size_t>(thread_count());
  if (threads > 1) together = std::clamp<std::size_t>(panels / (4 * threads), 1, together);
  parallel_for((panels + together - 1) / together, [&](std::size_t task, std::size_t thread) {
    const ColumnWorker worker(pass, scratch + thread * per_thread);
    worker.run(task * together, std::min(panels, (task + 1) * together));
  });
}

}  // namespace titrate::kernels
