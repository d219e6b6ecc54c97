#include "datasets/embedded/glyph_atlas.hpp"

#include <png.h>

#include <algorithm>

#include "engine/base/error.hpp"

namespace titrate {
namespace {

constexpr std::int32_t cell_size = GlyphAtlas::cell_size;
constexpr std::int32_t faces = GlyphAtlas::training_faces + GlyphAtlas::evaluation_faces;
constexpr std::int32_t sheet_width = cell_size * GlyphAtlas::class_count;
constexpr std::int32_t sheet_height = cell_size * faces;

/// The whole sheet as grey, row-major, 0 = ink, 255 = paper.
std::vector<std::uint8_t> decode(std::span<const std::byte> png) {
  png_image header{};
  header.version = PNG_IMAGE_VERSION;
  const bool begun = png_image_begin_read_from_memory(&header, png.data(), png.size()) != 0;
  if (!begun || header.width != sheet_width || header.height != sheet_height) {
    png_image_free(&header);
    throw Error(ErrorCode::internal, "the embedded glyph atlas is damaged");
  }
  header.format = PNG_FORMAT_RGB;
  std::vector<std::uint8_t> colours(PNG_IMAGE_SIZE(header));
  if (png_image_finish_read(&header, nullptr, colours.data(), 0, nullptr) == 0) {
    throw Error(ErrorCode::internal, "the embedded glyph atlas is damaged");
  }
  std::vector<std::uint8_t> grey(colours.size() / 3);
  for (std::size_t i = 0; i < grey.size(); ++i) grey[i] = colours[3 * i];
  return grey;
}

/// Columns from the first to the last that hold ink.
std::uint8_t ink_width(std::span<const std::uint8_t> ink) {
  std::int32_t first = cell_size;
  std::int32_t last = -1;
  for (std::int32_t i = 0; i < cell_size * cell_size; ++i) {
    if (ink[static_cast<std::size_t>(i)] == 0) continue;
    first = std::min(first, i % cell_size);
    last = std::max(last, i % cell_size);
  }
  return static_cast<std::uint8_t>(std::max(last - first + 1, 0));
}

}  // namespace

GlyphAtlas::GlyphAtlas(std::span<const std::byte> png) {
  const std::vector<std::uint8_t> sheet = decode(png);
  ink_.reserve(sheet.size());
  for (std::int32_t cell = 0; cell < faces * class_count; ++cell) {
    const std::int32_t top = cell / class_count * cell_size;
    const std::int32_t left = cell % class_count * cell_size;
    for (std::int32_t row = top; row < top + cell_size; ++row) {
      for (std::int32_t column = left; column < left + cell_size; ++column) {
        ink_.push_back(static_cast<std::uint8_t>(255 - sheet[static_cast<std::size_t>(row * sheet_width + column)]));
      }
    }
    widths_.push_back(ink_width(std::span(ink_).last(cell_size * cell_size)));
  }
}

Glyph GlyphAtlas::glyph(std::int32_t face, std::int32_t glyph_class) const {
  constexpr std::size_t cell_bytes = cell_size * cell_size;
  const auto cell = static_cast<std::size_t>(face * class_count + glyph_class);
  return {std::span(ink_).subspan(cell * cell_bytes, cell_bytes), widths_[cell]};
}

}  // namespace titrate
