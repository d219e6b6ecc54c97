// What quantization asks of arrays of floats, computed by the kernels of the selected instruction set: the same on all of them.
#pragma once

#include <cstdint>
#include <limits>
#include <span>

#include "engine/base/float8.hpp"

namespace titrate::engine::ops {

struct FloatRange {
  float lowest = std::numeric_limits<float>::infinity();  ///< of the finite numbers; infinity if there is none
  float highest = -std::numeric_limits<float>::infinity();
  std::uint64_t not_finite = 0;  ///< how many are NaN or infinite
};
[[nodiscard]] FloatRange range_of(std::span<const float> numbers);
/// Of both's numbers.
[[nodiscard]] FloatRange joined(const FloatRange& one, const FloatRange& other);

/// codes[i] = clamp(round_half_to_even(numbers[i] / scale) + zero_point, least, most), all of them in int16; no number is NaN.
void quantize_to(std::span<std::int16_t> codes, std::span<const float> numbers, float scale, std::int32_t zero_point, int least, int most);

/// encode(format, numbers[i] / scale) of engine/base/float8.hpp, saturated; and decode(format, codes[i]) * scale.
void encode_to(std::span<std::uint8_t> codes, std::span<const float> numbers, const SmallFloat& format, float scale);
void decode_to(std::span<float> numbers, std::span<const std::uint8_t> codes, const SmallFloat& format, float scale);

}  // namespace titrate::engine::ops
