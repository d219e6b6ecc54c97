// What quantization by groups and histograms ask of arrays of floats, computed by the kernels of the selected instruction set: the same on
// all of them.
#pragma once

#include <cstdint>
#include <span>

#include "engine/ops/float_arrays.hpp"

namespace titrate::engine::ops {

/// The bounds of the finite numbers of each `group` neighbours (the last group may be shorter); +infinity and -infinity where there are
/// none. lowest and highest: one for each group.
void ranges_of_groups(std::span<const float> numbers, std::size_t group, std::span<float> lowest, std::span<float> highest);

/// quantize_to() (float_arrays.hpp) with a scale and a zero point for each group.
void quantize_groups_to(std::span<std::int16_t> codes, std::span<const float> numbers, std::size_t group, std::span<const float> scales,
                        std::span<const std::int32_t> zero_points, int least, int most);

struct FoundPlaces {
  std::size_t count;
  FloatRange range;  ///< of all the numbers
};

/// The places in a histogram of the numbers, or of those other than 0 and -0, in their order: [0, bins) for numbers >= 0 by
/// floor(|x| * per_width), [bins + 1, 2 * bins + 1) for negative ones; the place behind either for what is too large or not finite.
/// `places` must have room for 16 more than there are numbers. per_width is a power of two, bins at most 2^24.
[[nodiscard]] FoundPlaces find_places(std::span<const float> numbers, std::int32_t bins, float per_width, bool pass_over_zeros,
                                      std::span<std::int32_t> places);

}  // namespace titrate::engine::ops
