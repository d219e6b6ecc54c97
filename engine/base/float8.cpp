#include "engine/base/float8.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace titrate {
namespace {

using Specials = SmallFloat::Specials;

std::uint8_t sign_bit(const SmallFloat& format) { return static_cast<std::uint8_t>(1u << (format.bits() - 1)); }

std::uint8_t all_ones(const SmallFloat& format) { return static_cast<std::uint8_t>((1u << (format.bits() - 1)) - 1u); }

std::uint8_t infinity_code(const SmallFloat& format) {
  return static_cast<std::uint8_t>(((1u << format.exponent_bits) - 1u) << format.mantissa_bits);
}

std::uint8_t nan_code(const SmallFloat& format, std::uint8_t sign) {
  switch (format.specials) {
    case Specials::ieee:
    case Specials::top_nan:
      return static_cast<std::uint8_t>(sign | all_ones(format));
    case Specials::fnuz:
      return sign_bit(format);
    case Specials::none:
      break;
  }
  return 0;
}

// The code of a magnitude that is exactly representable.
std::uint8_t code_of(const SmallFloat& format, double magnitude) {
  if (magnitude == 0) return 0;
  int exponent = std::ilogb(magnitude) + format.bias;
  if (exponent < 1) exponent = 0;
  const double unit = std::ldexp(1.0, (exponent == 0 ? 1 : exponent) - format.bias - format.mantissa_bits);
  const auto steps = static_cast<unsigned>(magnitude / unit);
  const unsigned mantissa = exponent == 0 ? steps : steps - (1u << format.mantissa_bits);
  return static_cast<std::uint8_t>((static_cast<unsigned>(exponent) << format.mantissa_bits) + mantissa);
}

std::uint8_t overflow_code(const SmallFloat& format, std::uint8_t sign, bool saturate) {
  if (saturate || format.specials == Specials::none) return static_cast<std::uint8_t>(sign | code_of(format, format.largest));
  if (format.specials == Specials::ieee) return static_cast<std::uint8_t>(sign | infinity_code(format));
  return nan_code(format, sign);
}

}  // namespace

float decode(const SmallFloat& format, std::uint8_t code) {
  const bool negative = (code & sign_bit(format)) != 0;
  const unsigned magnitude = code & all_ones(format);
  const unsigned exponent = magnitude >> format.mantissa_bits;
  const unsigned mantissa = magnitude & ((1u << format.mantissa_bits) - 1u);
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  if (format.specials == Specials::fnuz && code == sign_bit(format)) return nan;
  if (format.specials == Specials::top_nan && magnitude == all_ones(format)) return nan;
  if (format.specials == Specials::ieee && exponent == (1u << format.exponent_bits) - 1u) {
    if (mantissa != 0) return nan;
    return negative ? -std::numeric_limits<float>::infinity() : std::numeric_limits<float>::infinity();
  }
  const unsigned significand = exponent == 0 ? mantissa : mantissa + (1u << format.mantissa_bits);
  const int scale = (exponent == 0 ? 1 : static_cast<int>(exponent)) - format.bias - format.mantissa_bits;
  const auto value = static_cast<float>(std::ldexp(static_cast<double>(significand), scale));
  return negative ? -value : value;
}

std::uint8_t encode(const SmallFloat& format, float value, bool saturate) {
  const std::uint8_t sign = std::signbit(value) ? sign_bit(format) : 0;
  if (std::isnan(value)) return nan_code(format, sign);
  if (std::isinf(value)) return overflow_code(format, sign, saturate);
  const double magnitude = std::fabs(static_cast<double>(value));
  const int exponent = magnitude == 0 ? 1 - format.bias : std::max(std::ilogb(magnitude), 1 - format.bias);
  const double quantum = std::ldexp(1.0, exponent - format.mantissa_bits);
  const double rounded = std::nearbyint(magnitude / quantum) * quantum;
  if (rounded > static_cast<double>(format.largest)) return overflow_code(format, sign, saturate);
  // There is no negative zero in the fnuz formats: its code is NaN.
  if (rounded == 0 && format.specials == Specials::fnuz) return 0;
  return static_cast<std::uint8_t>(sign | code_of(format, rounded));
}

}  // namespace titrate
