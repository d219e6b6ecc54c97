// The statistics of a value that cannot do without.
#pragma once

#include <string>

#include "engine/quant/observers/value_statistics.hpp"

namespace titrate::engine {

/// Throws Error(invalid) if there are none (no calibration data), or only NaN and infinities were seen.
[[nodiscard]] const ValueStatistics& needed_statistics(const std::string& name, const CalibrationStatistics& statistics);

}  // namespace titrate::engine
