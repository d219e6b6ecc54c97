// A look at a study that never changes it, nor anything beside it, whatever state it is in.
#pragma once

#include <filesystem>

#include "tuner/study/owner.hpp"
#include "tuner/study/sqlite.hpp"

namespace titrate {

/// The study's file as a database in memory: of one moment, checked, and of the newest version. Works while another process writes it, on a
/// copy in a read-only folder, and after a writer was killed. `held` is the study's lock if the caller has it. Throws
/// Error(study_unusable): missing, foreign, damaged, too new.
[[nodiscard]] Database snapshot_of(const std::filesystem::path& path, const Owner* held = nullptr);

/// Throws Error(study_unusable) unless the database's header is that of a study that this version can read.
void require_study(const Database& database);

}  // namespace titrate
