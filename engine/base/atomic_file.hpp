// Files that appear whole or not at all, also when the program is killed or the power fails.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace titrate {

/// Collects bytes in a hidden temporary file in the target's folder; commit() makes them durable and gives them the target's name.
/// Without commit() the target stays as it was, and the temporary file goes away.
class AtomicFile {
 public:
  /// A target that is a symbolic link means the file it points to. Throws Error(usage) if the folder cannot be written to, or if the target
  /// is there and no regular file.
  explicit AtomicFile(const std::filesystem::path& target);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  /// Throws Error(internal), for example when the disk is full.
  void write(std::span<const std::byte> bytes);
  /// To be called once, last. Throws Error(internal); then the target is as it was.
  void commit();

 private:
  [[noreturn]] void fail(const std::string& what, int error) const;
  void create();

  std::filesystem::path target_;
  std::filesystem::path temporary_;
  int descriptor_ = -1;
  bool committed_ = false;
};

/// Errors as AtomicFile.
void write_file_atomically(const std::filesystem::path& target, std::span<const std::byte> bytes);
void write_file_atomically(const std::filesystem::path& target, std::string_view text);

}  // namespace titrate
