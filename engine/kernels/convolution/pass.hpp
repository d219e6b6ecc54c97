// What the parts of one image and one group share while a convolution runs.
#pragma once

#include <algorithm>

#include "engine/kernels/activation/epilogue.hpp"
#include "engine/kernels/convolution/geometry.hpp"
#include "engine/kernels/convolution/phases.hpp"
#include "engine/kernels/sgemm/sgemm.hpp"
#include "engine/kernels/sizes.hpp"

namespace titrate::kernels {

struct ConvolutionPass {
  const SgemmKernels& kernels;
  const ConvolutionGeometry& geometry;
  const PhaseLayout& layout;
  const float* filters;         ///< packed, of this group
  const float* bias;            ///< of this group, or null
  const float* image;           ///< in its phases
  const std::int32_t* offsets;  ///< of the depth's rows
  float* outputs;               ///< of the whole convolution
  std::size_t first_output;     ///< of this image and group
  const Epilogue& epilogue;

  [[nodiscard]] std::size_t depth() const { return static_cast<std::size_t>(geometry.depth()); }
  [[nodiscard]] std::size_t filter_count() const { return static_cast<std::size_t>(geometry.filters); }
  [[nodiscard]] std::size_t output_size() const { return static_cast<std::size_t>(geometry.output_size()); }
};

/// The depth cut into blocks of nearly equal length. A panel of columns takes at most 18 KB then, so that it stays in the first cache
/// while panels of rows run by.
struct DepthBlocks {
  std::size_t depth;
  std::size_t count;
  DepthBlocks(const SgemmKernels& kernels, std::size_t all) : depth(all) {
    const std::size_t most = 4608 / static_cast<std::size_t>(kernels.columns);
    count = std::max<std::size_t>(1, (all + most - 1) / most);
  }
  [[nodiscard]] std::size_t begin(std::size_t block) const { return block * depth / count; }
  [[nodiscard]] std::size_t longest() const { return (depth + count - 1) / count; }
};

}  // namespace titrate::kernels
