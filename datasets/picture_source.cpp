// Sources that are folders of pictures.
#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "datasets/picture.hpp"
#include "datasets/source.hpp"
#include "engine/base/error.hpp"
#include "engine/base/text.hpp"

namespace titrate {
namespace {

namespace fs = std::filesystem;

struct Picture {
  std::string name;  // relative to the folder, with "/"
  std::int64_t label = -1;
};

class PictureSource final : public Source {
 public:
  PictureSource(fs::path folder, std::vector<Picture> pictures, std::vector<std::string> classes)
      : folder_(std::move(folder)), pictures_(std::move(pictures)), classes_(std::move(classes)) {}

  [[nodiscard]] std::int64_t rows() const override { return static_cast<std::int64_t>(pictures_.size()); }
  [[nodiscard]] engine::Tensor row(std::int64_t index) const override {
    const SharedBytes file = map_file(path_of(index));
    return decode_picture(file.bytes, place(index));
  }
  [[nodiscard]] std::string place(std::int64_t index) const override { return visible(path_of(index).string()); }
  [[nodiscard]] std::vector<fs::path> files() const override {
    std::vector<fs::path> paths;
    for (std::int64_t index = 0; index < rows(); ++index) paths.push_back(path_of(index));
    return paths;
  }
  [[nodiscard]] std::vector<std::string> classes() const override { return classes_; }
  [[nodiscard]] std::int64_t class_of(std::int64_t index) const override { return pictures_[static_cast<std::size_t>(index)].label; }

 private:
  [[nodiscard]] fs::path path_of(std::int64_t index) const { return folder_ / pictures_.at(static_cast<std::size_t>(index)).name; }

  fs::path folder_;
  std::vector<Picture> pictures_;
  std::vector<std::string> classes_;
};

std::string extension_of(const fs::path& file) {
  std::string extension = file.extension().string();
  std::ranges::transform(extension, extension.begin(), [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
  return extension;
}

bool is_picture(const fs::path& file) {
  constexpr std::array<std::string_view, 3> read = {".jpg", ".jpeg", ".png"};
  constexpr std::array<std::string_view, 12> known = {".bmp", ".gif", ".webp", ".tif",  ".tiff", ".ppm",
                                                      ".pgm", ".jp2", ".avif", ".heic", ".jxl",  ".jfif"};
  const std::string extension = extension_of(file);
  if (std::ranges::find(known, extension) != known.end()) {
    throw_invalid("pictures of this format are not read", visible(file.string()), "convert it to JPEG or PNG");
  }
  return std::ranges::find(read, extension) != read.end();
}

// A link may stand for a picture inside the same folder, but not lead elsewhere.
void check_link(const fs::directory_entry& entry, const fs::path& folder) {
  if (!entry.is_symlink()) return;
  std::error_code error;
  const fs::path target = fs::canonical(entry.path(), error);
  const fs::path root = fs::canonical(folder, error);
  const auto [end, unused] = std::mismatch(root.begin(), root.end(), target.begin(), target.end());
  if (error || end != root.end() || !entry.is_regular_file()) {
    throw_invalid("a link leads to nothing that is inside the folder of pictures", visible(entry.path().string()),
                  "copy the picture into the folder");
  }
}

// The names of the pictures below `folder`, relative to it, in byte order.
std::vector<std::string> pictures_below(const fs::path& folder, const fs::path& root) {
  std::vector<std::string> names;
  for (auto entry = fs::recursive_directory_iterator(folder); entry != fs::recursive_directory_iterator(); ++entry) {
    if (entry->path().filename().string().starts_with('.')) {
      entry.disable_recursion_pending();
      continue;
    }
    if (entry.depth() > 32) throw_invalid("folders are nested too deeply", visible(entry->path().string()));
    check_link(*entry, root);
    if (!entry->is_directory() && is_picture(entry->path())) {
      if (!entry->is_regular_file()) throw_invalid("is no regular file", visible(entry->path().string()));
      names.push_back(entry->path().lexically_relative(folder).generic_string());
    }
  }
  std::ranges::sort(names);
  return names;
}

std::vector<Picture> with_classes(const fs::path& folder, const std::vector<std::string>& names, std::vector<std::string>& classes) {
  const auto class_name = [](const std::string& name) { return name.substr(0, name.find('/')); };
  for (const std::string& name : names) {
    if (name.find('/') == std::string::npos) {
      throw_invalid(cat("the folder holds both pictures and sub-folders of pictures, such as '", visible(name), "'"),
                    visible(folder.string()), "either one sub-folder for each class, or pictures alone");
    }
    classes.push_back(class_name(name));
  }
  std::ranges::sort(classes);
  const auto repeated = std::ranges::unique(classes);
  classes.erase(repeated.begin(), repeated.end());
  std::vector<Picture> pictures;
  for (const std::string& name : names) {
    pictures.push_back({name, std::ranges::lower_bound(classes, class_name(name)) - classes.begin()});
  }
  // "a-b/1" sorts before "a/1" as text, but class a comes before class a-b.
  std::ranges::stable_sort(pictures, {}, &Picture::label);
  return pictures;
}

}  // namespace

std::shared_ptr<const Source> picture_source(const fs::path& folder) {
  const std::string where = visible(folder.string());
  try {
    const std::vector<std::string> names = pictures_below(folder, folder);
    if (names.empty()) throw_invalid("the folder is empty: it holds no JPEG or PNG pictures", where);
    std::vector<std::string> classes;
    std::vector<Picture> pictures;
    if (std::ranges::any_of(names, [](const std::string& name) { return name.find('/') != std::string::npos; })) {
      pictures = with_classes(folder, names, classes);
    } else {
      for (const std::string& name : names) pictures.push_back({name, -1});
    }
    return std::make_shared<const PictureSource>(folder, std::move(pictures), std::move(classes));
  } catch (const fs::filesystem_error& error) {
    throw_invalid(cat("the folder cannot be read: ", error.code().message()), where);
  }
}

}  // namespace titrate
