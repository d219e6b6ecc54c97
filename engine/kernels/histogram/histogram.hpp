// Where numbers belong in a histogram of magnitudes, as calibration needs it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/base/cpu.hpp"

namespace titrate::kernels {

/// Places [0, count) are the bins of positive numbers, [count, 2 * count) those of negative ones, 2 * count is for what is left out.
struct HistogramBins {
  std::int32_t count;
  float largest;    ///< finite, largest * per_width < count; numbers of larger magnitude are left out, and so is NaN
  float per_width;  ///< a power of two, so that the bin is floor(|x| / width) to the last bit
};

/// The places of the numbers other than 0 and -0, in their order, to places[0, result); up to 16 more are written behind. Half of an
/// activation is often 0, and counting the same place again and again is slow.
using FindPlaces = std::size_t (*)(const HistogramBins& bins, const float* numbers, std::size_t count, std::int32_t* places) noexcept;

/// Null where the build has no such instruction set.
extern const FindPlaces find_places_scalar;
extern const FindPlaces find_places_avx2;
extern const FindPlaces find_places_avx512;

[[nodiscard]] FindPlaces find_places_kernel(Isa isa);

}  // namespace titrate::kernels
