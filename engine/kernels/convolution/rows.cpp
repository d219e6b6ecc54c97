#include "engine/kernels/convolution/rows.hpp"

#include "engine/kernels/convolution/gather.hpp"
#include "engine/kernels/lanes.hpp"
#include "engine/kernels/sgemm/matrix.hpp"
#include "engine/kernels/threads.hpp"

namespace titrate::kernels {
namespace {

constexpr std::size_t gather_slack = 32;
constexpr std::size_t most_outputs = 128;  // of one task: a block of the depth of them takes 147 KB at most, and stays in the second cache

std::size_t packed_size(const SgemmKernels& kernels, const ConvolutionGeometry& geometry) {
  const DepthBlocks blocks(kernels, static_cast<std::size_t>(geometry.depth()));
  const std::size_t outputs = std::min(most_outputs, static_cast<std::size_t>(geometry.output_size()));
  return whole_lines(outputs * blocks.longest() + gather_slack);
}

std::size_t padded_filters(const SgemmKernels& kernels, const ConvolutionGeometry& geometry) {
  return packed_columns_size(kernels, 1, static_cast<std::size_t>(geometry.filters));
}

class RowWorker {
 public:
  RowWorker(const ConvolutionPass& pass, float* scratch)
      : pass_(pass),
        blocks_(pass.kernels, pass.depth()),
        width_(static_cast<std::size_t>(pass.kernels.columns)),
        stride_(padded_filters(pass.kernels, pass.geometry)),
        packed_(scratch),
        sums_(scratch + packed_size(pass.kernels, pass.geometry)) {}

  // Outputs [first, first + count).
  void run(std::size_t first, std::size_t count) const {
    const RowPanels panels(pass_.kernels, count);
    start(count);
    for (std::size_t block = 0; block < blocks_.count; ++block) {
      const std::size_t k = blocks_.begin(block);
      const std::size_t depth = blocks_.begin(block + 1) - k;
      for (std::size_t panel = 0; panel < panels.count; ++panel) {
        const OutputRange range(pass_, first + panels.begin(panel), panels.height(panel));
        range.gather(pass_, k, depth, packed_ + panels.begin(panel) * depth, panels.height(panel));
      }
      for (std::size_t column = 0; column < stride_; column += width_) multiply(panels, column, k, depth);
    }
    finish(first, count);
  }

 private:
  void start(std::size_t count) const {
    for (std::size_t row = 0; row < count; ++row) {
      float* sums = sums_ + row * stride_;
      if (pass_.bias != nullptr) std::copy_n(pass_.bias, pass_.filter_count(), sums);
      const std::size_t begun = pass_.bias != nullptr ? pass_.filter_count() : 0;
      std::fill(sums + begun, sums + stride_, 0.0F);
    }
  }

  // Each tile asks for its share of the next columns' filters: they may come from memory, and no pattern tells where they begin.
  void multiply(const RowPanels& panels, std::size_t column, std::size_t k, std::size_t depth) const {
    const float* filters = pass_.filters + column * pass_.depth() + k * width_;
    const float* next = column + width_ < stride_ ? filters + width_ * pass_.depth() : filters;
    const std::size_t step = std::min<std::size_t>((width_ + panels.count - 1) / panels.count, 16);
    for (std::size_t panel = 0; panel < panels.count; ++panel) {
      const std::size_t row = panels.begin(panel);
      pass_.kernels.packed[panels.height(panel)]({.depth = depth,
                                                  .a = packed_ + row * depth,
                                                  .b = filters,
                                                  .offsets = nullptr,
                                                  .c = sums_ + row * stride_ + column,
                                                  .c_stride = stride_,
                                                  .start = nullptr,
                                                  .accumulate = true,
                                                  .ahead = next + panel * depth * step,
                                                  .ahead_step = step});
    }
  }

  // [outputs, filters] into [filters, outputs], a few filters at a time so that their lines stay in the first cache.
  void finish(std::size_t first, std::size_t count) const {
    constexpr std::size_t together = 16;
    for (std::size_t filter = 0; filter < pass_.filter_count(); filter += together) {
      const std::size_t present = std::min(together, pass_.filter_count() - filter);
      float* target = pass_.outputs + pass_.first_output + filter * pass_.output_size() + first;
      turn(sums_ + filter, count, present, target);
      for (std::size_t own = 0; own < present; ++own) {
        pass_.epilogue.finish(pass_.outputs, pass_.first_output + (filter + own) * pass_.output_size() + first, count);
      }
    }
  }

  // sums[rows, columns] into target[columns, rows], in squares of four.
  void turn(const float* sums, std::size_t rows, std::size_t columns, float* target) const {
    const std::size_t pitch = pass_.output_size();
    std::size_t row = 0;
    for (; row + 4 <= rows; row += 4, sums += 4 * stride_) {
      std::size_t column = 0;
      for (; column + 4 <= columns; column += 4) {
        turn_square(sums + column, stride_, target + column * pitch + row, pitch);
      }
      for (; column < columns; ++column) {
        for (std::size_t i = 0; i < 4; ++i) target[column * pitch + row + i] = sums[i * stride_ + column];
      }
    }
    for (; row < rows; ++row, sums += stride_) {
      for (std::size_t column = 0; column < columns; ++column) target[column * pitch + row] = sums[column];
    }
  }

  static void turn_square(const float* source, std::size_t from_row, float* target, std::size_t to_row) {
    const FloatLanes<4> rows[4] = {load<4>(source), load<4>(source + from_row), load<4>(source + 2 * from_row),
                                   load<4>(source + 3 * from_row)};
    const FloatLanes<4> low[2] = {in_turn<4, false>(rows[0], rows[2]), in_turn<4, false>(rows[1], rows[3])};
    const FloatLanes<4> high[2] = {in_turn<4, true>(rows[0], rows[2]), in_turn<4, true>(rows[1], rows[3])};
    store<4>(target, in_turn<4, false>(low[0], low[1]));
    store<4>(target + to_row, in_turn<4, true>(low[0], low[1]));
    store<4>(target + 2 * to_row, in_turn<4, false>(high[0], high[1]));
    store<4>(target + 3 * to_row, in_turn<4, true>(high[0], high[1]));
  }

  const ConvolutionPass& pass_;
  DepthBlocks blocks_;
  std::size_t width_;
  std::size_t stride_;
  float* packed_;
  float* sums_;
};

}  // namespace

std::size_t rows_scratch(const SgemmKernels& kernels, const ConvolutionGeometry& geometry) {
  const std::size_t outputs = std::min(most_outputs, static_cast<std::size_t>(geometry.output_size()));
  return packed_size(kernels, geometry) + whole_lines(outputs * padded_filters(kernels, geometry));
}

void convolve_rows(const ConvolutionPass& pass, float* scratch) {
  const std::size_t per_thread = rows_scratch(pass.kernels, pass.geometry);
  const std::size_t outputs = pass.output_size();
  std::size_t tasks = (outputs + most_outputs - 1) / most_outputs;
  const auto threads = static_cast<std::size_t>(thread_count());
  if (threads > 1) tasks = std::max(tasks, std::min(2 * threads, (outputs + 3) / 4));
  parallel_for(tasks, [&](std::size_t task, std::size_t thread) {
    const RowWorker worker(pass, scratch + thread * per_thread);
    const std::size_t first = task * outputs / tasks;
    worker.run(first, (task + 1) * outputs / tasks - first);
  });
}

}  // namespace titrate::kernels
