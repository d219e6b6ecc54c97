// The JSON of a study and its parts (INTERFACES: 4. JSON): for the report and for the commands that print it. Unknown is null, numbers
// read back exactly.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "tuner/study/trial.hpp"

namespace titrate {

/// Keys stay in the order in which they are written.
[[nodiscard]] nlohmann::ordered_json trial_json(const TrialRecord& trial);
/// null if there is none.
[[nodiscard]] nlohmann::ordered_json baseline_json(const std::optional<Baseline>& baseline);
[[nodiscard]] nlohmann::ordered_json goal_json(const Goal& goal);

/// The whole `trials` document, as text with a line end.
[[nodiscard]] std::string trials_json(const StudyRecord& study);

/// A document as text with a line end. Whatever is not printable ASCII is written as \uXXXX, so that no name can hide in it or drive a
/// terminal; bytes that are not UTF-8 become U+FFFD.
[[nodiscard]] std::string json_text(const nlohmann::ordered_json& document);

}  // namespace titrate
