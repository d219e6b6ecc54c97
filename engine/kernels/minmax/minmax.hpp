// The range of many numbers, as calibration needs it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

#include "engine/base/cpu.hpp"

namespace titrate::kernels {

struct Range {
  float lowest = std::numeric_limits<float>::infinity();  ///< of the finite numbers; infinity if there is none
  float highest = -std::numeric_limits<float>::infinity();
  std::uint64_t non_finite = 0;  ///< how many are NaN or infinite
};

using MinMax = Range (*)(const float* numbers, std::size_t count) noexcept;

/// The bounds of each group of `group` neighbours (the last one may be shorter): lowest[i] and highest[i] as in Range.
using GroupMinMax = void (*)(const float* numbers, std::size_t count, std::size_t group, float* lowest, float* highest) noexcept;

/// Null where the build has no such instruction set.
extern const MinMax minmax_scalar;
extern const MinMax minmax_avx2;
extern const MinMax minmax_avx512;
extern const GroupMinMax group_minmax_scalar;
extern const GroupMinMax group_minmax_avx2;
extern const GroupMinMax group_minmax_avx512;

[[nodiscard]] MinMax minmax_kernel(Isa isa);
[[nodiscard]] GroupMinMax group_minmax_kernel(Isa isa);

}  // namespace titrate::kernels
