// How a study's file comes and goes: it appears whole, and is moved aside together with what SQLite keeps beside it.
#pragma once

#include <filesystem>
#include <string_view>

namespace titrate {

/// The file appears with all of its bytes, synced to the disk, or not at all. An existing file is refused. Throws Error(study_unusable).
void write_new_study(const std::filesystem::path& path, std::string_view bytes);

/// Renames the file and its journal to "<path>.1" or the next free number, and returns that. Throws Error(study_unusable).
std::filesystem::path rename_aside(const std::filesystem::path& path);

/// What lies beside a study that is not there any more: SQLite would take it for a part of a new one of this name.
void move_strays_aside(const std::filesystem::path& path);

}  // namespace titrate
