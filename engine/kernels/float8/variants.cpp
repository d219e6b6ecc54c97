#include "engine/base/float8.hpp"
#include "engine/kernels/float8/float8.hpp"

namespace titrate::kernels {

Float8Codes float8_codes(const SmallFloat& format, bool saturate) {
  using Specials = SmallFloat::Specials;
  const std::int32_t sign = 1 << (format.bits() - 1);
  Float8Codes codes{.mantissa_bits = format.mantissa_bits,
                    .bias = format.bias,
                    .sign = sign,
                    .largest = encode(format, format.largest),
                    .overflow = encode(format, format.largest),
                    .overflow_sign = -1,
                    .nan = 0,
                    .nan_sign = 0,
                    .zero_sign = -1,
                    .infinity = -1,
                    .first_nan = sign,
                    .only_nan = -1};
  const std::int32_t infinity = ((1 << format.exponent_bits) - 1) << format.mantissa_bits;
  switch (format.specials) {
    case Specials::ieee:
      codes.nan = sign - 1;
      codes.nan_sign = -1;
      codes.infinity = infinity;
      codes.first_nan = infinity;
      if (!saturate) codes.overflow = infinity;
      break;
    case Specials::top_nan:
      codes.nan = sign - 1;
      codes.nan_sign = -1;
      codes.first_nan = sign - 1;
      if (!saturate) codes.overflow = codes.nan;
      break;
    case Specials::fnuz:  // -0 is NaN
      codes.nan = sign;
      codes.zero_sign = 0;
      codes.only_nan = sign;
      if (!saturate) {
        codes.overflow = sign;
        codes.overflow_sign = 0;
      }
      break;
    case Specials::none:
      break;
  }
  return codes;
}

const Float8Kernels& float8_kernels(Isa isa) {
  if (isa >= Isa::avx512 && float8_avx512 != nullptr) return *float8_avx512;
  if (isa >= Isa::avx2 && float8_avx2 != nullptr) return *float8_avx2;
  return *float8_scalar;
}

}  // namespace titrate::kernels
