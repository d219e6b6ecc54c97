// Draws the pictures of the embedded task: a glyph between its neighbours, distorted, blurred, badly lit and noisy. All arithmetic is on
// integers, so every machine draws the same bytes.
#pragma once

#include <array>
#include <cstdint>

#include "datasets/embedded/glyph_atlas.hpp"

namespace titrate {

/// Training and calibration share their faces but no seeds; evaluation has faces of its own.
enum class GlyphSplit : std::uint64_t { training = 1, calibration = 2, evaluation = 3 };

inline constexpr std::int32_t glyph_image_size = 24;  ///< pixels, both ways
using GlyphImage = std::array<std::uint8_t, glyph_image_size * glyph_image_size>;

/// The label of a sample: the classes take turns.
[[nodiscard]] constexpr std::int32_t glyph_label(std::int64_t index) { return static_cast<std::int32_t>(index % GlyphAtlas::class_count); }

/// Sample `index` (>= 0) of a split: a function of its arguments alone.
[[nodiscard]] GlyphImage draw_glyph(const GlyphAtlas& atlas, GlyphSplit split, std::int64_t index);

}  // namespace titrate
