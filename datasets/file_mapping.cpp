#include "datasets/file_mapping.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"

namespace titrate {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int number() const { return number_; }

 private:
  int number_;
};

std::string reason(int error) { return std::strerror(error); }

SharedBytes map_descriptor(int descriptor, std::size_t size, const std::string& name) {
  if (size == 0) return {};  // mmap refuses an empty range
  void* start = mmap(nullptr, size, PROT_READ, MAP_SHARED, descriptor, 0);
  if (start == MAP_FAILED) throw_invalid(cat("the file cannot be mapped: ", reason(errno)), name);
  std::shared_ptr<const void> owner(start, [size](void* mapped) { munmap(mapped, size); });
  return {{static_cast<const std::byte*>(start), size}, std::move(owner)};
}

std::filesystem::path temporary_folder() {
  const char* named = std::getenv("TMPDIR");  // NOLINT(concurrency-mt-unsafe): nothing here sets the environment
  return named != nullptr && *named != '\0' ? named : "/tmp";
}

int open_unlinked(const std::filesystem::path& folder) {
  const int direct = open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (direct >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)) return direct;
  std::string name = (folder / "titrate-XXXXXX").string();
  const int named = mkostemp(name.data(), O_CLOEXEC);
  if (named >= 0) unlink(name.c_str());
  return named;
}

// Not the data's fault: the machine has no room or no folder.
[[noreturn]] void throw_no_room(std::string what, const std::filesystem::path& folder) {
  throw Error(ErrorCode::internal, std::move(what), visible(folder.string()), "set TMPDIR to a folder with more room");
}

}  // namespace

SharedBytes map_file(const std::filesystem::path& file) {
  const std::string name = visible(file.string());
  // Not blocking: opening a named pipe would wait for its other end.
  const Descriptor descriptor(open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (descriptor.number() < 0) throw_invalid(cat("the file cannot be read: ", reason(errno)), name);
  struct stat status {};
  if (fstat(descriptor.number(), &status) != 0) throw_invalid(cat("the file cannot be read: ", reason(errno)), name);
  if (!S_ISREG(status.st_mode)) throw_invalid("the file is no regular file", name);
  return map_descriptor(descriptor.number(), static_cast<std::size_t>(status.st_size), name);
}

TemporaryFile::TemporaryFile(std::uint64_t expected) : folder_(temporary_folder()) {
  struct statvfs room {};
  if (statvfs(folder_.c_str(), &room) == 0 && expected / room.f_frsize > room.f_bavail) {
    throw_no_room(cat("unpacking takes ", human_bytes(expected), ", but the folder for temporary files has only ",
                      human_bytes(std::uint64_t{room.f_bavail} * room.f_frsize), " left"),
                  folder_);
  }
  descriptor_ = open_unlinked(folder_);
  if (descriptor_ < 0) throw_no_room(cat("no temporary file can be made: ", reason(errno)), folder_);
}

TemporaryFile::~TemporaryFile() { close(descriptor_); }

void TemporaryFile::append(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) throw_no_room(cat("unpacking failed: ", reason(errno)), folder_);
    size_ += static_cast<std::uint64_t>(written);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

SharedBytes TemporaryFile::map() const { return map_descriptor(descriptor_, size_, visible(folder_.string())); }

}  // namespace titrate
