#include "engine/onnx/external_data.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"

namespace titrate::engine {
namespace {

[[noreturn]] void refuse(const std::string& location, const std::string& why) {
  throw_invalid(cat("the external data file '", visible(location), "' ", why), {},
                "external data must be regular files in the model's folder or below it, without symbolic links: copy them there");
}

// The components of a relative path that stays below where it starts.
std::vector<std::string> components(const std::string& location) {
  if (location.empty()) refuse(location, "has no name");
  if (location.find('\0') != std::string::npos) refuse(location, "has a NUL character in its name");
  if (location.front() == '/') refuse(location, "is an absolute path");
  std::vector<std::string> parts;
  for (std::string& part : split(location, '/')) {
    if (part == "..") refuse(location, "leads out of the model's folder");
    if (!part.empty() && part != ".") parts.push_back(std::move(part));
  }
  if (parts.empty()) refuse(location, "names a folder");
  return parts;
}

constexpr std::uint64_t open_flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW;

// For kernels before 5.6 and sandboxes that do not know openat2: one component after the other, none of them a link.
int open_by_components(int folder, const std::vector<std::string>& parts) {
  int current = ::fcntl(folder, F_DUPFD_CLOEXEC, 0);
  for (std::size_t index = 0; index < parts.size() && current >= 0; ++index) {
    const bool last = index + 1 == parts.size();
    const int next = ::openat(current, parts[index].c_str(), static_cast<int>(open_flags) | (last ? 0 : O_DIRECTORY));
    const int error = errno;
    ::close(current);
    errno = error;
    current = next;
  }
  return current;
}

int open_beneath(int folder, const std::vector<std::string>& parts) {
  open_how how{};
  how.flags = open_flags;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  const std::string path = join(parts, "/");
  const long descriptor = ::syscall(SYS_openat2, folder, path.c_str(), &how, sizeof how);
  if (descriptor < 0 && (errno == ENOSYS || errno == EPERM)) return open_by_components(folder, parts);
  return static_cast<int>(descriptor);
}

}  // namespace

std::shared_ptr<const MappedFile> ExternalData::file(const std::string& location) {
  auto& known = files_[location];
  if (known) return known;
  const std::vector<std::string> parts = components(location);
  if (folder_.empty()) refuse(location, "cannot be found: the model was not read from a folder");
  const int folder = ::open(folder_.c_str(), O_RDONLY | O_CLOEXEC | O_DIRECTORY);
  if (folder < 0) refuse(location, cat("cannot be opened: the folder ", visible(folder_.string()), ": ", std::strerror(errno)));
  const int descriptor = open_beneath(folder, parts);
  const int error = errno;
  ::close(folder);
  if (descriptor < 0 && error == ELOOP) refuse(location, "is, or lies behind, a symbolic link");
  if (descriptor < 0 && error == EXDEV) refuse(location, "leads out of the model's folder");
  if (descriptor < 0 && error == ENOENT) {
    throw_invalid(cat("the external data file '", visible(location), "' is missing"), {},
                  "put it beside the model: an ONNX model with external data is several files");
  }
  if (descriptor < 0) refuse(location, cat("cannot be opened: ", std::strerror(error)));
  known = MappedFile::map(descriptor, cat("the external data file '", visible(location), "'"));
  return known;
}

ExternalData::Bytes ExternalData::read(const ExternalRange& range, std::optional<std::uint64_t> expected) {
  auto mapped = file(range.location);
  const std::span<const std::byte> all = mapped->bytes();
  const std::string shown = cat("the external data file '", visible(range.location), "'");
  if (range.offset > all.size()) {
    throw_invalid(cat(shown, " has ", all.size(), " bytes, but a tensor should start at byte ", range.offset), {},
                  "the model and its data file do not belong together, or one is damaged");
  }
  const std::uint64_t available = all.size() - range.offset;
  const std::uint64_t length = range.length ? *range.length : expected.value_or(available);
  if (expected && length != *expected) {
    throw_invalid(cat("the stored length of ", length, " bytes in ", shown, " is not the ", *expected, " bytes that type and shape say"));
  }
  if (length > available) {
    throw_invalid(
        cat(shown, " ends too early: a tensor needs ", length, " bytes from byte ", range.offset, " on, ", available, " are there"), {},
        "the data file is cut off or belongs to another model");
  }
  return {.bytes = all.subspan(static_cast<std::size_t>(range.offset), static_cast<std::size_t>(length)), .owner = std::move(mapped)};
}

}  // namespace titrate::engine
