// Microscaling formats: blocks of 32 elements share a power of two (OCP Microscaling Formats v1.0, section 6.3; algorithms A14).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/base/float8.hpp"
#include "engine/config/config.hpp"
#include "engine/quant/weight_matrix.hpp"

namespace titrate::engine {

inline constexpr std::int64_t mx_block = 32;
/// The code of an E8M0 scale that is NaN.
inline constexpr std::uint8_t mx_nan = 255;

/// What the elements of a block are.
struct MxElement {
  const SmallFloat* codes;  ///< null: int8, two's complement, worth code / 64, from -127 to 127
  int largest_exponent;     ///< of two, in the largest value
  int mantissa_bits;
  float largest;
};

[[nodiscard]] const MxElement& mx_element(MxFormat format);

/// 2^(code - 127): what an E8M0 scale is worth; code < 255.
[[nodiscard]] float mx_scale(std::uint8_t code);

/// Rounds up to 32 elements to `codes`, saturating, and returns the code of their scale: at least `least_code`; 0 for zeros; 255 with
/// codes 0 if an element is not finite. MxRule::best takes the scale of least squared error among the floor rule's and its neighbours.
[[nodiscard]] std::uint8_t quantize_mx(std::span<const float> block, const MxElement& element, MxRule rule, std::span<std::uint8_t> codes,
                                       std::uint8_t least_code = 0);

/// The numbers that codes stand for.
void dequantize_mx(std::span<const std::uint8_t> codes, const MxElement& element, std::uint8_t scale_code, std::span<float> numbers);

/// A matrix in blocks along its rows; the last block of a row may be short.
struct MxMatrix {
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::vector<std::uint8_t> codes;   ///< [rows, columns]
  std::vector<std::uint8_t> scales;  ///< [rows, blocks()], E8M0

  [[nodiscard]] std::int64_t blocks() const { return (columns + mx_block - 1) / mx_block; }
};

[[nodiscard]] MxMatrix quantize_mx(const WeightMatrix& weights, const MxElement& element, MxRule rule, std::uint8_t least_code = 0);
/// [rows, columns]
[[nodiscard]] std::vector<float> dequantized(const MxMatrix& matrix, const MxElement& element);

}  // namespace titrate::engine
