// Tensors whose bytes lie in files beside the model. A model names those files, so the names are hostile: they must not lead out of the
// model's folder (CVE-2022-25882, CVE-2024-27318, CVE-2026-27489).
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "engine/onnx/external_range.hpp"
#include "engine/onnx/mapped_file.hpp"

namespace titrate::engine {

class ExternalData {
 public:
  /// An empty folder: the model stands in no folder, so every external tensor is an error.
  explicit ExternalData(std::filesystem::path folder) : folder_(std::move(folder)) {}

  struct Bytes {
    std::span<const std::byte> bytes;
    std::shared_ptr<const void> owner;
  };
  /// `expected` is the size by type and shape, if known. Throws Error(invalid) if the location leads out of the folder, is no regular
  /// file, or the range does not lie in the file or has another size.
  [[nodiscard]] Bytes read(const ExternalRange& range, std::optional<std::uint64_t> expected);

  /// The whole file; each is opened once.
  [[nodiscard]] std::shared_ptr<const MappedFile> file(const std::string& location);

 private:
  std::filesystem::path folder_;
  std::map<std::string, std::shared_ptr<const MappedFile>> files_;
};

}  // namespace titrate::engine
