#include "engine/onnx/mapped_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"

namespace titrate::engine {
namespace {

struct Descriptor {
  int number;
  ~Descriptor() { ::close(number); }
};

}  // namespace

std::shared_ptr<const MappedFile> MappedFile::open(const std::filesystem::path& path) {
  // Without O_NONBLOCK, opening a pipe would wait for somebody to write to it.
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  const std::string shown = visible(path.string());
  if (descriptor < 0) throw_invalid(cat("cannot open ", shown, ": ", std::strerror(errno)), {}, "check the path and its permissions");
  return map(descriptor, shown);
}

std::shared_ptr<const MappedFile> MappedFile::map(int number, const std::string& shown) {
  const Descriptor descriptor{number};
  struct stat status {};
  if (::fstat(number, &status) != 0) throw_invalid(cat("cannot read ", shown, ": ", std::strerror(errno)));
  if (S_ISDIR(status.st_mode)) throw_invalid(cat(shown, " is a folder, not a file"));
  if (!S_ISREG(status.st_mode)) throw_invalid(cat(shown, " is not a regular file"), {}, "copy it into a file first");
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size == 0) return std::shared_ptr<const MappedFile>(new MappedFile(nullptr, 0));
  void* memory = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, number, 0);
  if (memory == MAP_FAILED) throw_invalid(cat("cannot map ", shown, ": ", std::strerror(errno)));
  return std::shared_ptr<const MappedFile>(new MappedFile(static_cast<const std::byte*>(memory), size));
}

MappedFile::~MappedFile() {
  if (size_ > 0) ::munmap(const_cast<std::byte*>(data_), size_);
}

}  // namespace titrate::engine
