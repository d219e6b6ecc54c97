#include "engine/base/atomic_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <random>
#include <system_error>
#include <utility>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"

namespace titrate {
namespace {

std::filesystem::path folder_of(const std::filesystem::path& file) {
  return file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
}

std::string random_name() {
  std::random_device random;
  const std::uint64_t number = (std::uint64_t{random()} << 32) | random();
  std::array<char, 16> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number, 16).ptr;
  return cat(".titrate-", std::string_view(digits.data(), static_cast<std::size_t>(end - digits.data())), ".tmp");
}

// What a person can do about it.
std::string hint_for(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return "the disk is full: free some space or write somewhere else";
    case ENOENT:
      return "the folder does not exist: make it first";
    case ENOTDIR:
      return "a part of the path is a file, not a folder";
    case EACCES:
    case EPERM:
    case EROFS:
      return "you may not write there: choose another place";
    default:
      return "choose another place";
  }
}

// The file that a name stands for: links are followed, so that a link stays a link.
std::filesystem::path resolved(const std::filesystem::path& target) {
  std::error_code ignored;
  if (!std::filesystem::is_symlink(target, ignored)) return target;
  std::error_code error;
  auto real = std::filesystem::weakly_canonical(target, error);
  return error ? target : real;
}

void sync_folder(const std::filesystem::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  // Some file systems cannot sync a folder; the rename stands all the same.
  std::ignore = ::fsync(descriptor);
  ::close(descriptor);
}

}  // namespace

AtomicFile::AtomicFile(const std::filesystem::path& target) : target_(resolved(target)) {
  if (!target_.has_filename()) throw_usage(cat("cannot write '", visible(target.string()), "': it names no file"), {}, "name a file");
  struct stat status {};
  const bool exists = ::stat(target_.c_str(), &status) == 0;
  if (exists && !S_ISREG(status.st_mode)) {
    throw_usage(cat("cannot write ", visible(target.string()), ": it is there and is no regular file"), {}, "choose another name");
  }
  create();
  // A file that is replaced keeps its permissions.
  if (exists) std::ignore = ::fchmod(descriptor_, status.st_mode & 0777);
}

void AtomicFile::create() {
  constexpr int attempts = 100;
  for (int attempt = 0; attempt < attempts; ++attempt) {
    temporary_ = folder_of(target_) / random_name();
    descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (descriptor_ >= 0) return;
    if (errno != EEXIST) break;
  }
  const int error = errno;
  throw_usage(cat("cannot write ", visible(target_.string()), ": ", std::strerror(error)), {}, hint_for(error));
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!committed_) ::unlink(temporary_.c_str());
}

void AtomicFile::fail(const std::string& what, int error) const {
  throw Error(ErrorCode::internal, cat("cannot ", what, " ", visible(target_.string()), ": ", std::strerror(error)), {}, hint_for(error));
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  // The system writes at most 2^31 - 4096 bytes at once.
  constexpr std::size_t most_at_once = std::size_t{1} << 30;
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), std::min(bytes.size(), most_at_once));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail("write", errno);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void AtomicFile::commit() {
  if (::fsync(descriptor_) != 0) fail("write", errno);
  if (::close(std::exchange(descriptor_, -1)) != 0) fail("write", errno);
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) fail("replace", errno);
  committed_ = true;
  sync_folder(folder_of(target_));
}

void write_file_atomically(const std::filesystem::path& target, std::span<const std::byte> bytes) {
  AtomicFile file(target);
  file.write(bytes);
  file.commit();
}

void write_file_atomically(const std::filesystem::path& target, std::string_view text) {
  write_file_atomically(target, std::as_bytes(std::span(text)));
}

}  // namespace titrate
