// Rows of the im2col matrix for a range of outputs, copied into a panel without the columns between the rows of the image.
#pragma once

#include <array>

#include "engine/kernels/convolution/pass.hpp"

namespace titrate::kernels {

/// A range of outputs, at most as many as a tile is wide, as runs of the image.
class OutputRange {
 public:
  static constexpr std::size_t most_outputs = 64;

  OutputRange(const ConvolutionPass& pass, std::size_t first, std::size_t count);
  /// All outputs are neighbours in the image, from source() on.
  [[nodiscard]] bool is_one_run() const { return run_count_ == 1; }
  [[nodiscard]] std::int32_t source() const { return runs_[0].source; }
  /// Rows [k, k + depth) into panel[depth, width]; writes up to 32 floats behind it.
  void gather(const ConvolutionPass& pass, std::size_t k, std::size_t depth, float* panel, std::size_t width) const;

 private:
  std::array<GatherRun, most_outputs> runs_;
  std::size_t run_count_ = 0;
};

}  // namespace titrate::kernels
