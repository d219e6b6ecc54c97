#include "tuner/study/snapshot.hpp"

#include <stdlib.h>
#include <sys/stat.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "engine/base/error.hpp"
#include "engine/base/temporary_folder.hpp"
#include "engine/base/text.hpp"
#include "tuner/study/owner.hpp"
#include "tuner/study/schema.hpp"

namespace titrate {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(const std::string& name, const std::string& what, std::string hint) {
  throw Error(ErrorCode::study_unusable, what, name, std::move(hint));
}

// Asked before SQLite opens anything: it would wait for ever at a pipe.
void require_file(const fs::path& path) {
  struct stat status = {};
  if (stat(path.c_str(), &status) != 0) {
    const bool is_missing = errno == ENOENT || errno == ENOTDIR;
    refuse(path.string(), is_missing ? "there is no such study" : cat("the study cannot be read: ", std::strerror(errno)),
           "titrate tune makes one, by default beside you as <model>.titrate.db");
  }
  if (!S_ISREG(status.st_mode)) refuse(path.string(), "the study is not a file", "name a file with --study");
}

fs::path beside(const fs::path& path, const char* suffix) { return fs::path(path) += suffix; }

// A journal can name a further file, and SQLite may delete that one after it has rolled back. Ours never do.
void require_plain_journal(const fs::path& journal, const std::string& name) {
  constexpr std::string_view magic("\xd9\xd5\x05\xf9\x20\xa1\x63\xd7", 8);
  const std::string text = [&] {
    std::ifstream file(journal, std::ios::binary | std::ios::ate);
    const auto size = static_cast<std::streamoff>(file.tellg());
    std::string tail(magic.size(), '\0');
    if (size < static_cast<std::streamoff>(tail.size())) return std::string();
    file.seekg(size - static_cast<std::streamoff>(tail.size()));
    file.read(tail.data(), static_cast<std::streamsize>(tail.size()));
    return tail;
  }();
  if (text == magic)
    refuse(name, "the journal beside the study is not titrate's", "use a copy of the study if there is one, --fresh or another --study");
}

bool is_owned_by_another(const fs::path& path, const Owner* held) { return held == nullptr && Owner::of(path).has_value(); }

// The writer is dead, so nobody changes the two files; if somebody goes on with the study just now, the copy may be torn, and nothing is
// returned.
std::optional<Database> recovered_copy(const fs::path& path, const Owner* held) {
  const fs::path journal = beside(path, "-journal");
  const auto moment = [&] { return std::pair(fs::last_write_time(path), fs::exists(journal)); };
  const auto before = moment();
  const TemporaryFolder folder;
  const fs::path copy = folder.path() / "study.db";
  std::error_code gone;
  fs::copy_file(path, copy, gone);
  if (!gone) fs::copy_file(journal, beside(copy, "-journal"), gone);
  if (gone || is_owned_by_another(path, held) || moment() != before) return std::nullopt;
  for (const fs::path& file : {copy, beside(copy, "-journal")}) fs::permissions(file, fs::perms::owner_write, fs::perm_options::add);
  require_plain_journal(beside(copy, "-journal"), path.string());
  Database database = Database::open_for_writing(copy);
  database.set_name(path.string());
  return database.copy_to_memory();
}

Database copied(const fs::path& path, const Owner* held) {
  // A few seconds: as long as an owner that has just begun may take to roll back.
  for (int attempt = 0; attempt < 200; ++attempt) {
    const Database database = Database::open_read_only(path);
    require_study(database);
    if (std::optional<Database> copy = database.copy_to_memory()) return std::move(*copy);
    if (!is_owned_by_another(path, held)) {
      if (std::optional<Database> copy = recovered_copy(path, held)) return std::move(*copy);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  refuse(path.string(), "the study is being repaired by another process", "try again");
}

}  // namespace

void require_study(const Database& database) {
  const std::string& name = database.name();
  const DatabaseHeader header = database.header();
  const std::string other = "name another file with --study, or use --fresh, which keeps this one aside";
  if (!header.is_database) refuse(name, "the file is not a titrate study", other);
  if (header.application_id != study_application_id || !header.is_rollback || header.user_version == 0) {
    refuse(name, "the file is a database of another program, not a titrate study", other);
  }
  if (header.user_version > newest_version()) {
    refuse(name,
           cat("the study was made by a newer titrate (its form is ", header.user_version, ", this version knows up to ", newest_version(),
               ")"),
           "use that version, or another --study");
  }
  // Ours has none; SQLite would take one into account, and make files beside it.
  if (fs::exists(name + "-wal"))
    refuse(name, "a write-ahead log lies beside the study that is not titrate's", "move " + name + "-wal away");
}

Database snapshot_of(const fs::path& path, const Owner* held) {
  require_file(path);
  Database memory = copied(path, held);
  Statement version(memory, "PRAGMA user_version");
  version.step();
  const auto from = static_cast<std::uint32_t>(version.integer(0));
  migrate(memory, from);
  verify_schema(memory);
  return memory;
}

}  // namespace titrate
