// The page's tables beside the layers': trials, failures, provenance.
#pragma once

#include <string>

#include "tuner/study/trial.hpp"

namespace titrate::html {

/// Each "" if there is nothing to show.
[[nodiscard]] std::string trials_section(const StudyRecord& study);
/// Every trial that failed, was given up or carries a remark; those with the same words together.
[[nodiscard]] std::string failures_section(const StudyRecord& study);
[[nodiscard]] std::string provenance_section(const StudyRecord& study);

}  // namespace titrate::html
