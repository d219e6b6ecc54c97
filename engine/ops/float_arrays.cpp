#include "engine/ops/float_arrays.hpp"

#include <algorithm>

#include "engine/kernels/float8/float8.hpp"
#include "engine/kernels/minmax/minmax.hpp"
#include "engine/kernels/quantize/quantize.hpp"

namespace titrate::engine::ops {

FloatRange range_of(std::span<const float> numbers) {
  static const kernels::MinMax kernel = kernels::minmax_kernel(selected_isa());
  const kernels::Range range = kernel(numbers.data(), numbers.size());
  return {.lowest = range.lowest, .highest = range.highest, .not_finite = range.non_finite};
}

FloatRange joined(const FloatRange& one, const FloatRange& other) {
  return {.lowest = std::min(one.lowest, other.lowest),
          .highest = std::max(one.highest, other.highest),
          .not_finite = one.not_finite + other.not_finite};
}

void quantize_to(std::span<std::int16_t> codes, std::span<const float> numbers, float scale, std::int32_t zero_point, int least, int most) {
  static const kernels::Quantize<std::int16_t> kernel = kernels::quantize_kernels(selected_isa()).to_s16;
  kernel({.scale = scale, .zero_point = zero_point, .lowest = least, .highest = most}, numbers.data(), codes.data(), numbers.size());
}

void encode_to(std::span<std::uint8_t> codes, std::span<const float> numbers, const SmallFloat& format, float scale) {
  static const kernels::EncodeFloat8 kernel = kernels::float8_kernels(selected_isa()).encode;
  kernel(kernels::float8_codes(format, true), scale, numbers.data(), codes.data(), numbers.size());
}

void decode_to(std::span<float> numbers, std::span<const std::uint8_t> codes, const SmallFloat& format, float scale) {
  static const kernels::DecodeFloat8 kernel = kernels::float8_kernels(selected_isa()).decode;
  kernel(kernels::float8_codes(format, true), scale, codes.data(), numbers.data(), codes.size());
}

}  // namespace titrate::engine::ops
