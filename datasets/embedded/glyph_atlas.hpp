// The clean glyphs that the samples are drawn from: one row a face, one column a class (recipe/README.md says how they were rendered).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace titrate {

/// The classes in label order: ten digits, the capitals, and the small letters whose shape is not that of their capital.
inline constexpr std::string_view glyph_classes = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabdefghnqrt";

/// One glyph: ink 0..255 in a square cell, row-major, and how wide its ink is.
struct Glyph {
  std::span<const std::uint8_t> ink;  ///< GlyphAtlas::cell_size squared
  std::int32_t width;                 ///< pixels
};

class GlyphAtlas {
 public:
  static constexpr std::int32_t cell_size = 32;
  static constexpr std::int32_t class_count = static_cast<std::int32_t>(glyph_classes.size());
  /// The first faces serve training and calibration, the others evaluation alone.
  static constexpr std::int32_t training_faces = 24;
  static constexpr std::int32_t evaluation_faces = 8;

  /// Decodes the PNG of all cells; throws Error(internal) if it is not the atlas.
  explicit GlyphAtlas(std::span<const std::byte> png);

  [[nodiscard]] Glyph glyph(std::int32_t face, std::int32_t glyph_class) const;

 private:
  std::vector<std::uint8_t> ink_;  // [face, class, row, column]
  std::vector<std::uint8_t> widths_;
};

}  // namespace titrate
