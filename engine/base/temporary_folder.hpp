// A private folder below the system's temporary folder.
#pragma once

#include <filesystem>

namespace titrate {

/// Readable by its owner alone; removed with the object, with all that is in it.
class TemporaryFolder {
 public:
  /// Throws Error(internal) if it cannot be made.
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace titrate
