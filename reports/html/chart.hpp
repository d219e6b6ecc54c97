// Accuracy against size: every trial with a metric and a size is a point.
#pragma once

#include <string>

#include "tuner/study/trial.hpp"

namespace titrate::html {

/// The section with the chart for wide and for narrow screens; says so if there is nothing to draw.
[[nodiscard]] std::string chart_section(const StudyRecord& study);

}  // namespace titrate::html
