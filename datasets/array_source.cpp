// Sources that are arrays.
#include <utility>

#include "datasets/idx.hpp"
#include "datasets/npy.hpp"
#include "datasets/source.hpp"
#include "engine/base/error.hpp"
#include "engine/base/text.hpp"

namespace titrate {
namespace {

class ArraySource final : public Source {
 public:
  ArraySource(StoredArray array, std::filesystem::path file, std::string name)
      : array_(std::move(array)), file_(std::move(file)), name_(std::move(name)) {
    if (array_.rows() == 0) throw_invalid("the array is empty: it holds no samples", name_);
  }

  [[nodiscard]] std::int64_t rows() const override { return array_.rows(); }
  [[nodiscard]] engine::Tensor row(std::int64_t index) const override { return array_.row(index); }
  [[nodiscard]] std::string place(std::int64_t index) const override { return cat("row ", index, " of ", name_); }
  [[nodiscard]] std::vector<std::filesystem::path> files() const override { return {file_}; }

 private:
  StoredArray array_;
  std::filesystem::path file_;
  std::string name_;
};

StoredArray open_npy(const std::filesystem::path& file) { return {read_npy_format, map_file(file), visible(file.string())}; }

}  // namespace

std::shared_ptr<const Source> array_source(StoredArray array, const std::filesystem::path& file, const std::string& name) {
  return std::make_shared<const ArraySource>(std::move(array), file, name);
}

std::shared_ptr<const Source> open_source(const std::string& text, const std::filesystem::path& base) {
  if (text.empty()) throw_invalid("a source is empty");
  constexpr std::string_view archive = ".npz:";
  const std::size_t colon = text.find(archive);
  if (colon != std::string::npos) {
    const std::filesystem::path file = base / text.substr(0, colon + archive.size() - 1);
    const std::string array = text.substr(colon + archive.size());
    return array_source(NpzArchive(file).open(array), file, cat(visible(file.string()), ":", visible(array)));
  }
  const std::filesystem::path file = base / text;
  std::error_code ignored;
  if (text.ends_with('/') || std::filesystem::is_directory(file, ignored)) return picture_source(file);
  if (text.ends_with(".npz")) {
    throw_invalid("an .npz source lacks the name of its array", visible(file.string()),
                  cat("it holds ", visible(join(NpzArchive(file).names(), ", ")), ": write \"", visible(text), ":ARRAY\""));
  }
  return array_source(text.ends_with(".npy") ? open_npy(file) : open_idx(file), file, visible(file.string()));
}

}  // namespace titrate
