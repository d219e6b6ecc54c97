#include "tuner/study/schema.hpp"

#include <array>
#include <string>
#include <vector>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"

namespace titrate {
namespace {

// A table of trials has one row for each trial. `digest` seals a row and what belongs to it (rows.hpp). Names of states and kinds are
// checked by the code that reads them, so that a new one needs no migration. The bounds on `metric` keep infinities out; NaN would become
// NULL.
constexpr std::string_view first_version = R"sql(
CREATE TABLE study (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  tolerable_loss REAL NOT NULL,
  loss TEXT NOT NULL,
  higher_is_better INTEGER NOT NULL CHECK (higher_is_better IN (0, 1)),
  objective TEXT NOT NULL,
  verdict TEXT NOT NULL,
  output TEXT NOT NULL,
  command TEXT NOT NULL,
  trials INTEGER NOT NULL CHECK (trials >= 0),
  digest TEXT NOT NULL
) STRICT;
CREATE TABLE fact (
  kind TEXT NOT NULL,
  position INTEGER NOT NULL,
  name TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (kind, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE baseline (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  metric_name TEXT NOT NULL,
  metric REAL NOT NULL CHECK (metric BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308),
  samples INTEGER NOT NULL,
  size_bytes INTEGER NOT NULL,
  latency_ms REAL,
  seconds REAL NOT NULL
) STRICT;
CREATE TABLE trial (
  number INTEGER PRIMARY KEY CHECK (number >= 1),
  config TEXT NOT NULL,
  state TEXT NOT NULL,
  metric REAL CHECK (metric BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308),
  loss REAL CHECK (loss BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308),
  samples_evaluated INTEGER,
  size_bytes INTEGER,
  latency_ms REAL,
  seconds REAL NOT NULL,
  started_at TEXT NOT NULL,
  reason TEXT NOT NULL,
  digest TEXT NOT NULL
) STRICT;
CREATE TABLE phase (
  trial INTEGER NOT NULL REFERENCES trial (number) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  phase TEXT NOT NULL,
  seconds REAL NOT NULL,
  PRIMARY KEY (trial, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE layer (
  trial INTEGER NOT NULL REFERENCES trial (number) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  name TEXT NOT NULL,
  type TEXT NOT NULL,
  scheme TEXT NOT NULL,
  reason TEXT NOT NULL,
  sqnr_db REAL,
  float_bytes INTEGER NOT NULL,
  stored_bytes INTEGER NOT NULL,
  PRIMARY KEY (trial, position)
) STRICT, WITHOUT ROWID;
)sql";

// How far a latency may be off.
constexpr std::string_view with_latency_noise = R"sql(
ALTER TABLE baseline ADD COLUMN latency_noise_ms REAL;
ALTER TABLE trial ADD COLUMN latency_noise_ms REAL;
)sql";

// How the nodes of a candidate ran: on integers, or why not. Trials of versions before have none.
constexpr std::string_view with_execution = R"sql(
CREATE TABLE execution (
  trial INTEGER NOT NULL REFERENCES trial (number) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  name TEXT NOT NULL,
  type TEXT NOT NULL,
  integer INTEGER NOT NULL CHECK (integer IN (0, 1)),
  reason TEXT NOT NULL,
  multiply_accumulates INTEGER,
  PRIMARY KEY (trial, position)
) STRICT, WITHOUT ROWID;
)sql";

constexpr std::array all_migrations{first_version, with_latency_noise, with_execution};

std::vector<std::string> objects_of(const Database& database) {
  std::vector<std::string> objects;
  Statement statement(database, "SELECT type, name, tbl_name, ifnull(sql, '') FROM sqlite_schema ORDER BY type, name");
  while (statement.step())
    objects.push_back(cat(statement.text(0), " ", statement.text(1), " ", statement.text(2), " ", statement.text(3)));
  return objects;
}

// The first complaint of a checking pragma, or "".
std::string complaint_of(const Database& database, std::string_view pragma) {
  Statement statement(database, pragma);
  return statement.step() ? statement.text(0) : std::string();
}

[[noreturn]] void refuse(const Database& database, const std::string& what) {
  throw Error(ErrorCode::study_unusable, what, database.name(), "use a copy of it if there is one, --fresh or another --study");
}

}  // namespace

std::span<const std::string_view> migrations() { return all_migrations; }
std::uint32_t newest_version() { return static_cast<std::uint32_t>(all_migrations.size()); }

void migrate(Database& database, std::uint32_t from) {
  if (from >= newest_version()) return;
  for (const std::string_view step : migrations().subspan(from)) database.execute(std::string(step));
  database.execute(cat("PRAGMA application_id=", study_application_id, "; PRAGMA user_version=", newest_version()));
}

void verify_schema(const Database& database) {
  const std::string structure = complaint_of(database, "PRAGMA quick_check(1)");
  if (structure != "ok") refuse(database, "the study is damaged: " + structure);
  Database model = Database::in_memory();
  migrate(model, 0);
  if (objects_of(database) != objects_of(model)) refuse(database, "the study has other tables than titrate makes");
  const std::string orphan = complaint_of(database, "PRAGMA foreign_key_check");
  if (!orphan.empty()) refuse(database, "the study is damaged: rows of table " + orphan + " belong to no trial");
}

}  // namespace titrate
