// What quantization by groups and histograms ask of arrays of floats, computed by the kernels of the selected instruction set: the same on
// all of them.
#pragma once

#include <cstdint>
#include <span>

namespace titrate::engine::ops {

/// The bounds of the finite numbers of each `group` neighbours (the last group may be shorter); +infinity and -infinity where there are
/// none. lowest and highest: one for each group.
void ranges_of_groups(std::span<const float> numbers, std::size_t group, std::span<float> lowest, std::span<float> highest);

/// quantize_to() (float_arrays.hpp) with a scale and a zero point for each group.
void quantize_groups_to(std::span<std::int16_t> codes, std::span<const float> numbers, std::size_t group, std::span<const float> scales,
                        std::span<const std::int32_t> zero_points, int least, int most);

/// The places in a histogram of the numbers other than 0 and -0, in their order: [0, bins) for positive ones by floor(|x| * per_width),
/// [bins, 2 * bins) for negative ones, 2 * bins for those of a magnitude above `largest` and NaN. Returns how many; `places` must have room
/// for 16 more than there are numbers. per_width is a power of two, largest * per_width below bins.
[[nodiscard]] std::size_t places_of(std::span<const float> numbers, std::int32_t bins, float largest, float per_width,
                                    std::span<std::int32_t> places);

}  // namespace titrate::engine::ops
