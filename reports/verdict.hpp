// The verdict's sentence in its parts, so that a report can set the config apart. All of it is free of control characters.
#pragma once

#include <cstdint>
#include <string>

#include "tuner/study/trial.hpp"

namespace titrate {

enum class VerdictKind : std::uint8_t { met, not_met, nothing_usable, interrupted, running, empty };

struct VerdictParts {
  VerdictKind kind = VerdictKind::empty;
  std::string label;   ///< "Met", "Not met", "Interrupted", ...
  std::string before;  ///< what stands between the label and the config; begins in lower case or with a number
  std::string config;  ///< the best trial's, shortened if it names many nodes; "": the sentence is about none
  std::string after;
};

[[nodiscard]] VerdictParts verdict_parts(const StudyRecord& study);

}  // namespace titrate
