#include "tuner/study/owner.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <string_view>
#include <utility>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"

namespace titrate {
namespace {

constexpr std::string_view first_words = "titrate: in use by ";

std::filesystem::path lock_path(const std::filesystem::path& study) {
  std::error_code ignored;
  // Two names of one file, such as a symbolic link, have one lock.
  std::filesystem::path resolved = std::filesystem::weakly_canonical(study, ignored);
  if (ignored || resolved.empty()) resolved = study;
  return resolved += "-lock";
}

// The whole file. An open file description's lock, not a process's: it ends with the descriptor, and only with it.
struct flock whole_file(short type) {
  struct flock lock = {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  return lock;
}

std::string contents(int descriptor) {
  std::array<char, 200> bytes{};
  const ssize_t count = pread(descriptor, bytes.data(), bytes.size(), 0);
  return count > 0 ? std::string(bytes.data(), static_cast<std::size_t>(count)) : std::string();
}

// Right after the lock was taken the file may still be empty.
std::string owner_named_in(const std::string& text) {
  if (!text.starts_with(first_words)) return "another process";
  return std::string(trim(std::string_view(text).substr(first_words.size())));
}

[[noreturn]] void refuse(const std::filesystem::path& study, const std::string& what, std::string hint) {
  throw Error(ErrorCode::study_unusable, what, study.string(), std::move(hint));
}

int open_lock_file(const std::filesystem::path& study, const std::filesystem::path& path) {
  const int descriptor = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0644);
  if (descriptor < 0) {
    refuse(study, cat("the study cannot be written: ", std::strerror(errno)),
           "name a file in a folder that can be written to with --study");
  }
  return descriptor;
}

// The owner before may have removed the file between our opening and locking it: then the lock is on nothing.
bool is_still_at(const std::filesystem::path& path, int descriptor) {
  struct stat named = {};
  struct stat held = {};
  return stat(path.c_str(), &named) == 0 && fstat(descriptor, &held) == 0 && named.st_dev == held.st_dev && named.st_ino == held.st_ino;
}

void write_owner(int descriptor) {
  const std::string text = cat(first_words, "process ", getpid(), " since ", utc_now(), "\n");
  // Who cannot read it is told "another process"; the lock holds all the same.
  if (ftruncate(descriptor, 0) == 0) static_cast<void>(pwrite(descriptor, text.data(), text.size(), 0) > 0);
}

}  // namespace

Owner::Owner(const std::filesystem::path& study) : path_(lock_path(study)) {
  while (true) {
    descriptor_ = open_lock_file(study, path_);
    struct flock lock = whole_file(F_WRLCK);
    if (fcntl(descriptor_, F_OFD_SETLK, &lock) != 0) {
      const int reason = errno;
      const std::string owner = owner_named_in(contents(descriptor_));
      close(descriptor_);
      if (reason == EAGAIN || reason == EACCES) {
        refuse(study, "the study is in use by " + owner, "wait for it, stop it, or name another file with --study");
      }
      refuse(study, cat("the study cannot be locked: ", std::strerror(reason)), "name a file on another disk with --study");
    }
    if (is_still_at(path_, descriptor_)) break;
    close(descriptor_);
  }
  const std::string before = contents(descriptor_);
  if (!before.empty() && !before.starts_with(first_words)) {
    close(descriptor_);
    refuse(study, cat("the study's lock file ", path_.string(), " is not titrate's"),
           "move that file away or name another study with --study");
  }
  write_owner(descriptor_);
}

Owner::~Owner() { release(); }

Owner::Owner(Owner&& other) noexcept : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

Owner& Owner::operator=(Owner&& other) noexcept {
  release();
  path_ = std::move(other.path_);
  descriptor_ = std::exchange(other.descriptor_, -1);
  return *this;
}

// Removed while it is still locked, so that nobody can have taken it over.
void Owner::release() noexcept {
  if (descriptor_ < 0) return;
  unlink(path_.c_str());
  close(std::exchange(descriptor_, -1));
}

std::optional<std::string> Owner::of(const std::filesystem::path& study) {
  const int descriptor = open(lock_path(study).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (descriptor < 0) return std::nullopt;
  struct flock lock = whole_file(F_RDLCK);
  const bool is_held = fcntl(descriptor, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
  const std::string text = contents(descriptor);
  close(descriptor);
  if (!is_held) return std::nullopt;
  return owner_named_in(text);
}

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts = {};
  gmtime_r(&now, &parts);
  std::array<char, 32> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

}  // namespace titrate
