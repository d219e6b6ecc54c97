// 8-bit weights for integer arithmetic: per channel or per tensor, symmetric or with one zero point that all channels share.
#pragma once

#include "engine/quant/weight_matrix.hpp"

namespace titrate::engine {

struct IntegerWeights {
  bool per_channel = true;
  bool symmetric = true;
  bool reduce_range = false;             ///< 7 bits: |code| <= 64, so that sums of two products fit into 16 bits
  std::vector<float> least_scales = {};  ///< by row; a scale is not made smaller: an int32 bias would overflow
};

/// Asymmetric weights per channel get scales of their own and one zero point for all: ONNX Runtime's convolution takes no other (its issue
/// 8890).
[[nodiscard]] QuantizedMatrix quantize_integer_weights(const WeightMatrix& weights, const IntegerWeights& how);

}  // namespace titrate::engine
