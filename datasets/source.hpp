// Where samples come from: an array in a file, or a folder of pictures. One row is one sample, as it is stored.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "datasets/npz.hpp"
#include "datasets/stored_array.hpp"
#include "engine/graph/tensor.hpp"

namespace titrate {

class Source {
 public:
  virtual ~Source() = default;
  [[nodiscard]] virtual std::int64_t rows() const = 0;
  /// Without the sample axis. Thread-safe.
  [[nodiscard]] virtual engine::Tensor row(std::int64_t index) const = 0;
  /// "row 3 of images.npy", or the picture's file: for messages.
  [[nodiscard]] virtual std::string place(std::int64_t index) const = 0;
  /// Every file that is read, in the order of the samples.
  [[nodiscard]] virtual std::vector<std::filesystem::path> files() const = 0;
  /// The classes that sub-folders stand for, in the order of their labels; empty if there are none.
  [[nodiscard]] virtual std::vector<std::string> classes() const { return {}; }
  /// The label of a sample, where classes() is not empty.
  [[nodiscard]] virtual std::int64_t class_of(std::int64_t /*index*/) const { return -1; }
};

/// An array that was opened already: rows along its first axis.
[[nodiscard]] std::shared_ptr<const Source> array_source(StoredArray array, const std::filesystem::path& file, const std::string& name);

/// Pictures below a folder, JPEG and PNG by their extension in either case, hidden files left out: directly in it, in byte order of their
/// names; or in one sub-folder for each class. Throws Error(invalid) for an empty folder, a mixture of both, pictures of other formats,
/// and links that lead out of the folder.
[[nodiscard]] std::shared_ptr<const Source> picture_source(const std::filesystem::path& folder);

/// What a description calls a source: "x.npy", "x.npz:array", "folder/", else an IDX file. Relative to `base`.
[[nodiscard]] std::shared_ptr<const Source> open_source(const std::string& text, const std::filesystem::path& base);

}  // namespace titrate
