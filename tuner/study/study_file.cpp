#include "tuner/study/study_file.hpp"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "engine/base/atomic_file.hpp"
#include "engine/base/error.hpp"
#include "engine/base/text.hpp"

namespace titrate {
namespace {

namespace fs = std::filesystem;

constexpr std::array suffixes{"-journal", "-wal", "-shm"};

[[noreturn]] void refuse(const fs::path& path, std::string_view what, int reason, std::string hint) {
  throw Error(ErrorCode::study_unusable, cat("the study ", what, ": ", std::strerror(reason)), path.string(), std::move(hint));
}

fs::path beside(const fs::path& path, std::string_view suffix) { return fs::path(path) += suffix; }

bool is_taken(const fs::path& path) { return fs::exists(fs::symlink_status(path)); }

// A new name is on the disk when its folder is.
void sync_folder_of(const fs::path& path) {
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  const int descriptor = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  static_cast<void>(fsync(descriptor));
  close(descriptor);
}

int rename_to_free_name(const fs::path& from, const fs::path& to) {
  if (renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return errno;
  // A file system without that flag.
  if (is_taken(to)) return EEXIST;
  return rename(from.c_str(), to.c_str()) == 0 ? 0 : errno;
}

fs::path free_name(const fs::path& path) {
  for (int number = 1;; ++number) {
    fs::path name = beside(path, cat(".", number));
    bool is_free = !is_taken(name);
    for (const char* suffix : suffixes) is_free = is_free && !is_taken(beside(name, suffix));
    if (is_free) return name;
  }
}

void rename_beside(const fs::path& path, const fs::path& name) {
  for (const char* suffix : suffixes) {
    const fs::path from = beside(path, suffix);
    if (!is_taken(from)) continue;
    const int reason = rename_to_free_name(from, beside(name, suffix));
    if (reason != 0) refuse(from, "cannot be moved aside", reason, "move it yourself, or name another file with --study");
  }
}

}  // namespace

void write_new_study(const fs::path& path, std::string_view bytes) {
  if (is_taken(path)) refuse(path, "cannot be made", EEXIST, "name another file with --study, or use --fresh, which keeps this one aside");
  try {
    write_file_atomically(path, bytes);
  } catch (const Error& error) {
    throw Error(ErrorCode::study_unusable, "the study cannot be made: " + error.message(), path.string(), error.hint());
  }
}

fs::path rename_aside(const fs::path& path) {
  fs::path name = free_name(path);
  // The journal first: a new study beside an old journal would be taken for the one that the journal belongs to.
  rename_beside(path, name);
  const int reason = rename_to_free_name(path, name);
  if (reason != 0) refuse(path, "cannot be moved aside", reason, "move it yourself, or name another file with --study");
  sync_folder_of(path);
  return name;
}

void move_strays_aside(const fs::path& path) {
  if (!is_taken(path)) rename_beside(path, free_name(path));
}

}  // namespace titrate
