#include "tuner/study/study_file.hpp"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"

namespace titrate {
namespace {

namespace fs = std::filesystem;

constexpr std::array suffixes{"-journal", "-wal", "-shm"};

[[noreturn]] void refuse(const fs::path& path, std::string_view what, int reason, std::string hint) {
  throw Error(ErrorCode::study_unusable, cat("the study ", what, ": ", std::strerror(reason)), path.string(), std::move(hint));
}

[[noreturn]] void refuse_writing(const fs::path& path, int reason) {
  refuse(path, "cannot be written", reason, "make room there, or name a file in another folder with --study");
}

fs::path beside(const fs::path& path, std::string_view suffix) { return fs::path(path) += suffix; }

bool is_taken(const fs::path& path) { return fs::exists(fs::symlink_status(path)); }

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() { close(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int number() const { return number_; }
  bool close() { return number_ < 0 || ::close(std::exchange(number_, -1)) == 0; }

 private:
  int number_;
};

bool write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = write(descriptor, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

// A new name is on the disk when its folder is.
void sync_folder_of(const fs::path& path) {
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  const Descriptor descriptor(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (descriptor.number() >= 0) static_cast<void>(fsync(descriptor.number()));
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
  // The caller holds the study's lock, so a file of this name was left by a process that was killed.
  const fs::path temporary = beside(path, "-new");
  unlink(temporary.c_str());
  Descriptor descriptor(open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666));
  if (descriptor.number() < 0) refuse_writing(path, errno);
  const bool is_written = write_all(descriptor.number(), bytes) && fsync(descriptor.number()) == 0 && descriptor.close();
  const int reason = is_written ? rename_to_free_name(temporary, path) : errno;
  if (reason != 0) {
    unlink(temporary.c_str());
    refuse_writing(path, reason);
  }
  sync_folder_of(path);
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
