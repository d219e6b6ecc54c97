// A regular file in memory, read only.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

namespace titrate::engine {

/// The pages are shared with the system's cache: mapping costs no memory of its own. A file must not be cut short while it is mapped;
/// replacing it (rename) is fine.
class MappedFile {
 public:
  /// Throws Error(invalid) with the path if there is no such file or it is not a regular one.
  [[nodiscard]] static std::shared_ptr<const MappedFile> open(const std::filesystem::path& path);
  /// Takes the descriptor over and closes it; messages call the file `shown`.
  [[nodiscard]] static std::shared_ptr<const MappedFile> map(int descriptor, const std::string& shown);

  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  [[nodiscard]] std::span<const std::byte> bytes() const { return {data_, size_}; }

 private:
  MappedFile(const std::byte* data, std::size_t size) : data_(data), size_(size) {}

  const std::byte* data_;
  std::size_t size_;
};

}  // namespace titrate::engine
