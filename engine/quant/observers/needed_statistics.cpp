#include "engine/quant/observers/needed_statistics.hpp"

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"

namespace titrate::engine {

const ValueStatistics& needed_statistics(const std::string& name, const CalibrationStatistics& statistics) {
  const auto found = statistics.find(name);
  if (found == statistics.end()) {
    throw_invalid(cat("the activation '", visible(name), "' has no calibration statistics"), {},
                  "give calibration data with --calibration");
  }
  if (found->second.samples == 0) {
    throw_invalid(cat("the activation '", visible(name), "' is NaN or infinite in every calibration sample"), {},
                  "check the model and the preprocessing of the data");
  }
  return found->second;
}

}  // namespace titrate::engine
