// Small floats of 8 bits and fewer, described by a row each; encoding and decoding are exact (algorithms A10, A11).
#pragma once

#include <cstdint>
#include <string_view>

namespace titrate {

/// One small float format. value = (-1)^sign 2^(exponent - bias) (1 + mantissa / 2^mantissa_bits); exponent 0 is subnormal.
struct SmallFloat {
  enum class Specials : std::uint8_t {
    ieee,     ///< the top exponent holds infinities and NaN (e5m2)
    top_nan,  ///< only all ones is NaN, no infinity (e4m3fn, e3m4)
    fnuz,     ///< the code of -0 is NaN, no infinity, no -0
    none,     ///< every code is a number (e2m1, e2m3, e3m2)
  };
  std::string_view name;
  int exponent_bits;
  int mantissa_bits;
  int bias;
  Specials specials;
  float largest;  ///< the largest finite value

  [[nodiscard]] constexpr int bits() const { return 1 + exponent_bits + mantissa_bits; }
};

inline constexpr SmallFloat float8e4m3fn{"e4m3fn", 4, 3, 7, SmallFloat::Specials::top_nan, 448.0F};
inline constexpr SmallFloat float8e4m3fnuz{"e4m3fnuz", 4, 3, 8, SmallFloat::Specials::fnuz, 240.0F};
inline constexpr SmallFloat float8e5m2{"e5m2", 5, 2, 15, SmallFloat::Specials::ieee, 57344.0F};
inline constexpr SmallFloat float8e5m2fnuz{"e5m2fnuz", 5, 2, 16, SmallFloat::Specials::fnuz, 57344.0F};
/// Intel/AMD's E3M4 (arXiv 2309.14592): ONNX has no such type.
inline constexpr SmallFloat float8e3m4fn{"e3m4fn", 3, 4, 3, SmallFloat::Specials::top_nan, 30.0F};
inline constexpr SmallFloat float8e3m4{"e3m4", 3, 4, 3, SmallFloat::Specials::ieee, 15.5F};
inline constexpr SmallFloat float6e2m3{"e2m3", 2, 3, 1, SmallFloat::Specials::none, 7.5F};
inline constexpr SmallFloat float6e3m2{"e3m2", 3, 2, 3, SmallFloat::Specials::none, 28.0F};
inline constexpr SmallFloat float4e2m1{"e2m1", 2, 1, 1, SmallFloat::Specials::none, 6.0F};

[[nodiscard]] float decode(const SmallFloat& format, std::uint8_t code);
/// Rounds half to even; overflow is decided after rounding. saturate: overflow and infinities become the largest value, else NaN or
/// infinity.
[[nodiscard]] std::uint8_t encode(const SmallFloat& format, float value, bool saturate = true);

}  // namespace titrate
