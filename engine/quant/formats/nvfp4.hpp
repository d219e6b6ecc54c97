// NVFP4: blocks of 16 E2M1 elements with an E4M3 scale each, and one float32 scale for the tensor (algorithms A15; NVIDIA's
// TensorRT-Model-Optimizer, modelopt/torch/quantization/qtensor/nvfp4_tensor.py).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/quant/weight_matrix.hpp"

namespace titrate::engine {

inline constexpr std::int64_t nvfp4_block = 16;

/// The tensor's scale for its largest magnitude: that / (6 * 448); 1 where it would be below the least normal float.
[[nodiscard]] float nvfp4_tensor_scale(float largest_magnitude);

/// Rounds up to 16 finite elements to E2M1 codes and returns the E4M3 code of their scale: the nearest to largest / 6, at least the least
/// subnormal, 1.0 for zeros. `search`: of that code and its neighbours the one of least squared error.
[[nodiscard]] std::uint8_t quantize_nvfp4(std::span<const float> block, float tensor_scale, bool search, std::span<std::uint8_t> codes);

/// What an element's scale is worth: E4M3(code) * tensor_scale in float32.
[[nodiscard]] float nvfp4_scale(std::uint8_t scale_code, float tensor_scale);

/// A matrix in blocks along its rows; the last block of a row may be short.
struct Nvfp4Matrix {
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  float tensor_scale = 1;
  std::vector<std::uint8_t> codes;   ///< [rows, columns], E2M1
  std::vector<std::uint8_t> scales;  ///< [rows, blocks()], E4M3

  [[nodiscard]] std::int64_t blocks() const { return (columns + nvfp4_block - 1) / nvfp4_block; }
};

[[nodiscard]] Nvfp4Matrix quantize_nvfp4(const WeightMatrix& weights, bool search);
/// [rows, columns]
[[nodiscard]] std::vector<float> dequantized(const Nvfp4Matrix& matrix);

}  // namespace titrate::engine
