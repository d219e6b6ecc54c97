// The affine map between numbers and integer codes: code = clamp(round_half_even(x / scale) + zero_point), x' = (code - zero_point) * scale
// (algorithms A1-A5).
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>

#include "engine/graph/data_type.hpp"

namespace titrate::engine {

/// The integers that codes may take; the type that stores them may hold more.
struct IntegerRange {
  int least = 0;
  int most = 0;
  friend bool operator==(const IntegerRange&, const IntegerRange&) = default;
};

/// -(2^(bits-1) - 1) .. 2^(bits-1) - 1: as many codes below zero as above (A2, narrow).
[[nodiscard]] constexpr IntegerRange narrow_range(int bits) { return {-((1 << (bits - 1)) - 1), (1 << (bits - 1)) - 1}; }
/// -2^(bits-1) .. 2^(bits-1) - 1.
[[nodiscard]] constexpr IntegerRange signed_range(int bits) { return {-(1 << (bits - 1)), (1 << (bits - 1)) - 1}; }
/// 0 .. 2^bits - 1.
[[nodiscard]] constexpr IntegerRange unsigned_range(int bits) { return {0, (1 << bits) - 1}; }

struct AffineParameters {
  float scale = 1;
  std::int32_t zero_point = 0;
  friend bool operator==(const AffineParameters&, const AffineParameters&) = default;
};

/// scale = largest / most; a scale below the least normal float becomes 1 (A5).
[[nodiscard]] inline AffineParameters symmetric_parameters(float largest_magnitude, int most) {
  const float scale = largest_magnitude / static_cast<float>(most);
  return {.scale = scale >= std::numeric_limits<float>::min() ? scale : 1.0F, .zero_point = 0};
}
/// The range is widened to hold 0, which becomes exactly representable (A3, A5).
[[nodiscard]] inline AffineParameters asymmetric_parameters(float low, float high, IntegerRange range) {
  low = std::min(low, 0.0F);
  high = std::max(high, 0.0F);
  // The difference of two finite floats may exceed the largest one: then it is divided before it is rounded.
  const auto steps = static_cast<double>(range.most - range.least);
  const double width = static_cast<double>(high) - static_cast<double>(low);
  const bool fits = width <= static_cast<double>(std::numeric_limits<float>::max());
  const auto divided = static_cast<float>((fits ? static_cast<double>(high - low) : width) / steps);
  const bool usable = divided >= std::numeric_limits<float>::min();
  const float scale = usable ? divided : 1.0F;
  // Half to even without a call: the sum has no room for a fraction.
  constexpr double rounder = 0x1.8p52;
  const double nearest = static_cast<double>(-low / scale) + rounder - rounder + range.least;
  const double zero_point = std::clamp<double>(usable ? nearest : 0.0, range.least, range.most);
  return {.scale = scale, .zero_point = static_cast<std::int32_t>(zero_point)};
}

/// One code: division in float32, round half to even, then the zero point; NaN gives the zero point.
[[nodiscard]] std::int32_t quantize(float value, AffineParameters parameters, IntegerRange range);
[[nodiscard]] inline float dequantize(std::int32_t code, AffineParameters parameters) {
  return static_cast<float>(code - parameters.zero_point) * parameters.scale;
}

/// An int32 bias with scale input_scale * weight_scale, zero point 0, saturated (A7).
[[nodiscard]] std::int32_t quantize_bias(float bias, float scale);

/// 10 log10(sum x^2 / sum (x - y)^2) in dB (A21); +999 if equal, 0 if x is all zero and y is not.
[[nodiscard]] double signal_to_noise_db(double signal_energy, double noise_energy);

}  // namespace titrate::engine
