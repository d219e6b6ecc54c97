// Seconds for each trial, by phase.
#pragma once

#include <string>

#include "tuner/study/trial.hpp"

namespace titrate::html {

/// "" while there are no trials.
[[nodiscard]] std::string timeline_section(const StudyRecord& study);

}  // namespace titrate::html
