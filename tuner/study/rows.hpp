// How the values of a study lie in its tables. Each trial is sealed with a SHA-256 over all that belongs to it, and so is the rest, so that
// damage that leaves the file well-formed is noticed. Writing functions expect an open transaction.
#pragma once

#include <cstddef>

#include "tuner/study/sqlite.hpp"
#include "tuner/study/trial.hpp"

namespace titrate {

/// All of the study. Throws Error(study_unusable) naming what is damaged.
[[nodiscard]] StudyRecord load_study(const Database& database);

/// Everything but the trials, of which there are this many.
void store_head(Database& database, const StudyRecord& study, std::size_t trials);

/// In place of what was stored under this number.
void store_trial(Database& database, const TrialRecord& trial);
void erase_trial(Database& database, int number);

}  // namespace titrate
