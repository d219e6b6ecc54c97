// How the nodes of the best trial run: on integers, or why not.
#pragma once

#include <string>

#include "tuner/study/trial.hpp"

namespace titrate::html {

/// Of the best trial; "" if it recorded nothing.
[[nodiscard]] std::string execution_section(const StudyRecord& study);

}  // namespace titrate::html
