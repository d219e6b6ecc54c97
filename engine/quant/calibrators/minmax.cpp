// The least and the largest number of all samples.
#include <algorithm>

#include "engine/quant/calibrators/calibrator.hpp"

namespace titrate::engine {

ValueRange minmax_range(const ValueStatistics& statistics, const CalibrationRequest&) {
  return {std::min(statistics.low, 0.0F), std::max(statistics.high, 0.0F)};
}

}  // namespace titrate::engine
