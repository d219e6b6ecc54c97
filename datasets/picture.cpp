#include "datasets/picture.hpp"

#include <string_view>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"

namespace titrate {

void check_picture_size(std::int64_t height, std::int64_t width, const std::string& where) {
  if (height <= 0 || width <= 0) throw_invalid("the picture has no pixels", where);
  if (height > most_pixels / width) {
    throw_invalid(cat("the picture has ", width, " x ", height, " pixels; at most ", most_pixels, " are decoded"), where);
  }
}

engine::Tensor decode_picture(std::span<const std::byte> file, const std::string& where) {
  const std::string_view start(reinterpret_cast<const char*>(file.data()), file.size());
  if (start.starts_with("\xff\xd8")) return decode_jpeg(file, where);
  if (start.starts_with("\x89PNG\r\n\x1a\n")) return decode_png(file, where);
  throw_invalid("the file is neither a JPEG nor a PNG picture", where, "convert it, or leave it out of the folder");
}

}  // namespace titrate
