// Exponential moving averages of the samples' extremes: a single odd sample moves the range by a hundredth only.
#include <algorithm>

#include "engine/quant/calibrators/calibrator.hpp"

namespace titrate::engine {

ValueRange moving_average_range(const ValueStatistics& statistics, const CalibrationRequest&) {
  return {std::min(statistics.average_low, 0.0F), std::max(statistics.average_high, 0.0F)};
}

}  // namespace titrate::engine
