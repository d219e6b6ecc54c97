// Step 2 of the recipe: writes samples of a split as raw bytes, drawn by the very code that draws them at run time.
// dump_glyphs ATLAS.png training|calibration|evaluation COUNT > samples.u8      [COUNT, 24, 24]
#include <cstdio>
#include <exception>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "datasets/embedded/glyph_sampler.hpp"

namespace {

using namespace titrate;

void dump(const std::string& atlas_path, const std::string& split_name, std::int64_t count) {
  std::ifstream file(atlas_path, std::ios::binary);
  const std::vector<char> png{std::istreambuf_iterator<char>(file), {}};
  const GlyphAtlas atlas(std::as_bytes(std::span(png)));
  const GlyphSplit split = split_name == "training"      ? GlyphSplit::training
                           : split_name == "calibration" ? GlyphSplit::calibration
                                                         : GlyphSplit::evaluation;
  for (std::int64_t index = 0; index < count; ++index) {
    const GlyphImage image = draw_glyph(atlas, split, index);
    std::fwrite(image.data(), 1, image.size(), stdout);
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 4) {
    std::fputs("usage: dump_glyphs ATLAS.png training|calibration|evaluation COUNT > samples.u8\n", stderr);
    return 2;
  }
  try {
    dump(arguments[1], arguments[2], std::stoll(arguments[3]));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return std::fflush(stdout) == 0 ? 0 : 1;
}
