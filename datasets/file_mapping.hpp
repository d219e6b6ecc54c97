// Files as read-only memory, and temporary files for what has to be unpacked first. The pages are the kernel's to drop: nothing here is
// held in memory of our own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>

namespace titrate {

/// Read-only bytes that stay valid as long as `owner` lives.
struct SharedBytes {
  std::span<const std::byte> bytes;
  std::shared_ptr<const void> owner;
};

/// Maps a whole file. Throws Error(invalid) naming it if it is missing, unreadable, or no regular file. The file must not shrink while it
/// is mapped.
[[nodiscard]] SharedBytes map_file(const std::filesystem::path& file);

/// An unlinked file in the folder that TMPDIR names (else /tmp): gone when its mapping goes, however the program ends.
class TemporaryFile {
 public:
  /// expected: how many bytes are about to be written; throws Error if the folder has no room for them.
  explicit TemporaryFile(std::uint64_t expected);
  ~TemporaryFile();
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  void append(std::span<const std::byte> bytes);
  /// Everything written so far; the mapping outlives this object.
  [[nodiscard]] SharedBytes map() const;

 private:
  std::filesystem::path folder_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
};

}  // namespace titrate
