// The tables of a study: an ordered list of migrations, counted by the file's user_version.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "tuner/study/sqlite.hpp"

namespace titrate {

/// "titr", at byte 68 of the file.
inline constexpr std::uint32_t study_application_id = 0x74697472;

/// The statements that lead from version n to n + 1, from version 0 (an empty file) on.
[[nodiscard]] std::span<const std::string_view> migrations();
[[nodiscard]] std::uint32_t newest_version();

/// Applies what is missing after version `from`, if anything is, and sets application id and version. The caller holds a transaction, so a
/// study has the old tables or the new ones.
void migrate(Database& database, std::uint32_t from);

/// Throws Error(study_unusable) unless the structure is sound and the tables are those of the newest version: no more, no less, no triggers
/// and no views.
void verify_schema(const Database& database);

}  // namespace titrate
