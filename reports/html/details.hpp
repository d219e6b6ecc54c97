// What the page says about one trial, and the data with which its script says the same about the others.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tuner/study/trial.hpp"

namespace titrate::html {

/// The trial that the page shows at first: the best, else the first. Null if there is none.
[[nodiscard]] const TrialRecord* selected_trial(const StudyRecord& study);

/// Labels and values, in the order shown; without what is unknown.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> trial_facts(const StudyRecord& study, const TrialRecord& trial);

[[nodiscard]] std::string details_panel(const StudyRecord& study);

/// A JSON island: {"best", "selected", "rows": [layer rows, each once], "trials": [{"n", "config", "state", "facts", "reason", "summary",
/// "rows": [indices]}]}.
[[nodiscard]] std::string data_island(const StudyRecord& study);

}  // namespace titrate::html
