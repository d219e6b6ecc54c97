// Where numbers belong in a histogram of magnitudes, as calibration needs it, and their range on the way.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/base/cpu.hpp"
#include "engine/kernels/minmax/minmax.hpp"

namespace titrate::kernels {

/// Places [0, count) are the bins of numbers >= 0 (-0 too), [count + 1, 2 * count + 1) those of negative ones; the place behind either is
/// for what is too large or not finite.
struct HistogramBins {
  std::int32_t count;  ///< at most 2^24
  float per_width;     ///< a power of two, so that the bin is floor(|x| / width) to the last bit
};

/// The places of the numbers, in their order, to places[0, result); up to 16 more are written behind. `range` is set to that of the
/// numbers.
using FindPlaces = std::size_t (*)(const HistogramBins& bins, const float* numbers, std::size_t count, std::int32_t* places,
                                   Range& range) noexcept;

struct PlaceKernels {
  FindPlaces of_all;
  /// Not those of 0 and -0. Half of an activation is often 0, and counting the same place again and again is slow.
  FindPlaces of_nonzero;
};

/// Null where the build has no such instruction set.
extern const PlaceKernels place_kernels_scalar;
extern const PlaceKernels place_kernels_avx2;
extern const PlaceKernels place_kernels_avx512;

[[nodiscard]] const PlaceKernels& place_kernels(Isa isa);

}  // namespace titrate::kernels
