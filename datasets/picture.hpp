// Pictures as Pillow hands them over after convert("RGB"): JPEG (libjpeg-turbo: accurate integer inverse DCT, smooth upsampling) and PNG.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "engine/graph/tensor.hpp"

namespace titrate {

/// More pixels than this are refused before anything is decoded.
inline constexpr std::int64_t most_pixels = 64'000'000;

/// uint8 [height, width, 3], RGB. The format is told by the first bytes. Grey is repeated, a palette looked up, CMYK converted as Pillow
/// does, transparency dropped; of 16 bits the upper 8 are taken (Pillow saturates 16-bit grey instead). EXIF orientation and colour
/// profiles are not applied. Throws Error(invalid) naming `where` for what is neither, damaged, cut short, or too large.
[[nodiscard]] engine::Tensor decode_picture(std::span<const std::byte> file, const std::string& where);

/// The two formats; called by decode_picture.
[[nodiscard]] engine::Tensor decode_jpeg(std::span<const std::byte> file, const std::string& where);
[[nodiscard]] engine::Tensor decode_png(std::span<const std::byte> file, const std::string& where);

/// Throws Error(invalid) for an empty picture or one of more than most_pixels.
void check_picture_size(std::int64_t height, std::int64_t width, const std::string& where);

}  // namespace titrate
