// NF4: four bits name one of 16 levels that are quantiles of the normal distribution; blocks are scaled by their largest magnitude (QLoRA,
// arXiv 2305.14314, appendix E).
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "engine/quant/weight_matrix.hpp"

namespace titrate::engine {

/// The level of each code, in float32 as bitsandbytes has them (bitsandbytes-foundation/bitsandbytes: functional.py).
inline constexpr std::array<float, 16> nf4_levels = {-1.0F,         -0.69619280F, -0.52507305F, -0.39491749F, -0.28444138F, -0.18477343F,
                                                     -0.091050036F, 0.0F,         0.07958030F,  0.16093020F,  0.24611230F,  0.33791524F,
                                                     0.44070983F,   0.56261700F,  0.72295684F,  1.0F};

/// A matrix in groups along its rows; the last group of a row may be short.
struct Nf4Matrix {
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::int64_t group = 0;           ///< columns that share a scale
  std::vector<std::uint8_t> codes;  ///< [rows, columns]
  std::vector<float> scales;        ///< [rows, groups()]; the largest magnitude, 1 where that is below the least normal float

  [[nodiscard]] std::int64_t groups() const { return (columns + group - 1) / group; }
};

/// The code of the nearest level to a number in -1..1; halfway the lower one.
[[nodiscard]] std::uint8_t nearest_nf4(float number);

/// group_size -1: a whole row.
[[nodiscard]] Nf4Matrix quantize_nf4(const WeightMatrix& weights, std::int64_t group_size);
/// [rows, columns]
[[nodiscard]] std::vector<float> dequantized(const Nf4Matrix& matrix);

}  // namespace titrate::engine
