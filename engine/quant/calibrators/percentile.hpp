// Where a histogram is cut so that a share of its numbers lies below: shared by the percentile calibrator and its tests.
#pragma once

#include <cstdint>
#include <span>

namespace titrate::engine {

/// The position, in bins, below which `share` (0..1) of all counts lie, interpolated inside its bin; the number of bins if share is 1.
[[nodiscard]] double quantile_position(std::span<const std::uint64_t> bins, double share);

}  // namespace titrate::engine
