// Round to nearest: each group of weights gets its own scale from its own range, every weight the nearest code (algorithms A2, A3, A6, A7).
#pragma once

#include <span>

#include "engine/quant/weight_matrix.hpp"

namespace titrate::engine {

enum class WeightMode : std::uint8_t {
  narrow,      ///< symmetric, codes -(2^(b-1)-1) .. 2^(b-1)-1
  signed_max,  ///< symmetric, the weight of largest magnitude becomes -2^(b-1): the scale carries its sign
  asymmetric,  ///< unsigned codes with a zero point
};

struct RoundToNearest {
  int bits = 4;
  WeightMode mode = WeightMode::narrow;
  std::int64_t group_size = 32;  ///< columns; -1: the row; 0: the tensor
  bool search_clip = false;      ///< shrink each range to the ratio 0.96^i of least squared error
};

/// The grid of weights that share a scale: that of their range times `ratio`.
[[nodiscard]] AffineParameters grid_of_range(std::span<const float> elements, const RoundToNearest& how, float ratio);

[[nodiscard]] QuantizedMatrix quantize_weights(const WeightMatrix& weights, const RoundToNearest& how);

}  // namespace titrate::engine
