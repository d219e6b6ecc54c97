// The rows that a weighted node multiplies its weights with: y = W x for each row x. A convolution's are the windows of its input (im2col).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/graph/graph.hpp"

namespace titrate::engine {

struct InputRows {
  std::int64_t groups = 1;   ///< of channels, of a convolution
  std::int64_t columns = 0;  ///< K of one group
  std::int64_t rows = 0;
  std::vector<float> elements;  ///< [groups, rows, columns]

  [[nodiscard]] std::span<const float> group(std::int64_t index) const {
    const auto size = static_cast<std::size_t>(rows * columns);
    return std::span(elements).subspan(static_cast<std::size_t>(index) * size, size);
  }
};

/// At most `most` rows of the input of a Conv, Gemm or MatMul, evenly spread over all it has. `weights`: the shape of its second input.
/// Throws Error(invalid) where the shapes do not fit.
[[nodiscard]] InputRows input_rows(const Node& node, const Shape& weights, const Tensor& input, std::int64_t most);

}  // namespace titrate::engine
