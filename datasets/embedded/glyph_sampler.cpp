#include "datasets/embedded/glyph_sampler.hpp"

#include <algorithm>

namespace titrate {
namespace {

constexpr std::int32_t size = glyph_image_size;
constexpr std::int32_t one = 1 << 16;  // 1.0 in the 16.16 fixed point of all geometry

/// SplitMix64 (Steele, Lea, Flood 2014); each sample has a stream of its own.
class Random {
 public:
  Random(GlyphSplit split, std::int64_t index)
      : state_(mix(static_cast<std::uint64_t>(split)) ^ mix(static_cast<std::uint64_t>(index) << 8)) {}

  std::uint64_t next() { return mix(state_ += 0x9E3779B97F4A7C15U); }

  /// From `low` to `high`, both included.
  std::int32_t between(std::int32_t low, std::int32_t high) {
    const auto count = static_cast<std::uint64_t>(static_cast<std::int64_t>(high) - low + 1);
    return static_cast<std::int32_t>(low + static_cast<std::int64_t>(((next() >> 32) * count) >> 32));
  }

  /// Normally distributed to the eye: mean 0, standard deviation `sigma` / 256 (the sum of eight bytes has one of 209).
  std::int32_t noise(std::int32_t sigma) {
    std::int32_t sum = -1020;
    for (std::uint64_t bytes = next(); bytes != 0; bytes >>= 8) sum += static_cast<std::int32_t>(bytes & 255);
    return sum * sigma / (209 * 256);
  }

 private:
  static std::uint64_t mix(std::uint64_t z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
  }

  std::uint64_t state_;
};

/// Where a pixel of the picture lies in the cell of the glyph: affine, plus a bow of the baseline. (u, v) counts half pixels from the
/// middle of the picture.
struct Distortion {
  std::int32_t xu, xv, yu, yv;  // cell pixels a half pixel of the picture
  std::int32_t x_offset, y_offset, bow;

  [[nodiscard]] std::int32_t x(std::int32_t u, std::int32_t v) const { return x_offset + xu * u + xv * v; }
  [[nodiscard]] std::int32_t y(std::int32_t u, std::int32_t v) const {
    return y_offset + yu * u + yv * v + bow * (u * u - size * size / 3);
  }
};

Distortion draw_distortion(Random& random) {
  const std::int32_t tangent = random.between(-one / 9, one / 9);  // of half the angle: up to 12.7 degrees
  const std::int32_t slant = random.between(-one / 5, one / 5);
  const std::int32_t across = random.between(one * 55 / 100, one * 80 / 100);
  const std::int32_t down = random.between(one * 55 / 100, one * 80 / 100);

  const std::int64_t square = (std::int64_t{tangent} * tangent) >> 16;
  const auto cosine = static_cast<std::int32_t>((one - square) * one / (one + square));
  const auto sine = static_cast<std::int32_t>(2 * std::int64_t{tangent} * one / (one + square));
  const auto times = [](std::int64_t a, std::int64_t b) { return static_cast<std::int32_t>((a * b) >> 16); };

  Distortion distortion{};
  distortion.xu = times(across, cosine - times(slant, sine));
  distortion.xv = times(across, sine + times(slant, cosine));
  distortion.yu = times(down, -sine);
  distortion.yv = times(down, cosine);
  distortion.x_offset = 16 * one + random.between(-3 * one, 3 * one);
  distortion.y_offset = 15 * one + random.between(-3 * one, 3 * one);
  distortion.bow = random.between(-one / 96, one / 96);
  return distortion;
}

/// Ink 0..255 at a point of the cell in 16.16 fixed point, between the four pixels around it; no ink outside.
std::int32_t ink_at(const Glyph& glyph, std::int32_t x, std::int32_t y) {
  constexpr std::int32_t cell = GlyphAtlas::cell_size;
  x -= one / 2;  // pixel centres lie on halves
  y -= one / 2;
  const std::int32_t column = x >> 16;
  const std::int32_t row = y >> 16;
  if (column < -1 || column >= cell || row < -1 || row >= cell) return 0;
  const auto pixel = [&](std::int32_t r, std::int32_t c) {
    return r >= 0 && r < cell && c >= 0 && c < cell ? std::int32_t{glyph.ink[static_cast<std::size_t>(r * cell + c)]} : 0;
  };
  const std::int32_t right = (x >> 8) & 255;
  const std::int32_t below = (y >> 8) & 255;
  const std::int32_t upper = pixel(row, column) * (256 - right) + pixel(row, column + 1) * right;
  const std::int32_t lower = pixel(row + 1, column) * (256 - right) + pixel(row + 1, column + 1) * right;
  return (upper * (256 - below) + lower * below) >> 16;
}

/// The glyph and, as in a line of text, perhaps a neighbour on either side.
struct Line {
  std::array<Glyph, 3> glyphs;
  std::array<std::int32_t, 3> shifts;  // of the cells against the middle one, 16.16
  std::int32_t count;
};

Line draw_line(Random& random, const GlyphAtlas& atlas, std::int32_t face, std::int32_t label) {
  const Glyph middle = atlas.glyph(face, label);
  Line line{{middle, middle, middle}, {0, 0, 0}, 1};
  for (const std::int32_t side : {-1, 1}) {
    const std::int32_t gap = random.between(one, 5 * one);
    const Glyph neighbour = atlas.glyph(face, random.between(0, GlyphAtlas::class_count - 1));
    if (random.between(0, 1) == 0) continue;
    const auto slot = static_cast<std::size_t>(line.count++);
    line.glyphs[slot] = neighbour;
    line.shifts[slot] = side * ((middle.width + neighbour.width) * (one / 2) + gap);
  }
  return line;
}

using Plane = std::array<std::int32_t, size * size>;

Plane rasterise(const Line& line, const Distortion& distortion) {
  Plane plane{};
  for (std::int32_t i = 0; i < size * size; ++i) {
    const std::int32_t u = 2 * (i % size) - (size - 1);
    const std::int32_t v = 2 * (i / size) - (size - 1);
    const std::int32_t x = distortion.x(u, v);
    const std::int32_t y = distortion.y(u, v);
    for (std::size_t glyph = 0; glyph < static_cast<std::size_t>(line.count); ++glyph) {
      auto& ink = plane[static_cast<std::size_t>(i)];
      ink = std::max(ink, ink_at(line.glyphs[glyph], x - line.shifts[glyph], y));
    }
  }
  return plane;
}

/// One pass of the binomial filter (1 2 1)/4 both ways, mixed with the plane itself by `amount` / 256; the border repeats.
Plane blurred(const Plane& plane, std::int32_t amount) {
  const auto pixel = [](const Plane& of, std::int32_t row, std::int32_t column) {
    return of[static_cast<std::size_t>(std::clamp(row, 0, size - 1) * size + std::clamp(column, 0, size - 1))];
  };
  Plane across{};
  Plane result{};
  for (std::int32_t i = 0; i < size * size; ++i) {
    const std::int32_t row = i / size;
    const std::int32_t column = i % size;
    across[static_cast<std::size_t>(i)] = pixel(plane, row, column - 1) + 2 * pixel(plane, row, column) + pixel(plane, row, column + 1);
  }
  for (std::int32_t i = 0; i < size * size; ++i) {
    const std::int32_t row = i / size;
    const std::int32_t column = i % size;
    const std::int32_t filtered = (pixel(across, row - 1, column) + 2 * pixel(across, row, column) + pixel(across, row + 1, column)) / 16;
    const std::int32_t own = plane[static_cast<std::size_t>(i)];
    result[static_cast<std::size_t>(i)] = own + (filtered - own) * amount / 256;
  }
  return result;
}

/// Ink and paper become grey: contrast, light from one side, noise.
GlyphImage exposed(Random& random, const Plane& plane) {
  const std::int32_t paper = random.between(140, 250);
  const std::int32_t ink = random.between(0, 90);
  const std::int32_t light_across = random.between(-256, 256);  // grey levels a half pixel, by 256
  const std::int32_t light_down = random.between(-256, 256);
  const std::int32_t sigma = random.between(2 * 256, 28 * 256);
  GlyphImage image{};
  for (std::int32_t i = 0; i < size * size; ++i) {
    const std::int32_t u = 2 * (i % size) - (size - 1);
    const std::int32_t v = 2 * (i / size) - (size - 1);
    const std::int32_t lit = paper + (ink - paper) * plane[static_cast<std::size_t>(i)] / 255 + (light_across * u + light_down * v) / 256;
    image[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(std::clamp(lit + random.noise(sigma), 0, 255));
  }
  return image;
}

}  // namespace

GlyphImage draw_glyph(const GlyphAtlas& atlas, GlyphSplit split, std::int64_t index) {
  Random random(split, index);
  const std::int32_t face = split == GlyphSplit::evaluation
                                ? GlyphAtlas::training_faces + random.between(0, GlyphAtlas::evaluation_faces - 1)
                                : random.between(0, GlyphAtlas::training_faces - 1);
  const Line line = draw_line(random, atlas, face, glyph_label(index));
  const Distortion distortion = draw_distortion(random);
  const Plane sharp = rasterise(line, distortion);
  return exposed(random, blurred(sharp, random.between(0, 256)));
}

}  // namespace titrate
