#include "datasets/embedded/embedded_files.hpp"

// The assembler reads the files: no generated sources, nothing to parse. TITRATE_EMBEDDED_FOLDER comes from cmake/EmbeddedFiles.cmake.
asm(R"(
  .pushsection .rodata
  .balign 64
titrate_embedded_atlas:
  .incbin ")" TITRATE_EMBEDDED_FOLDER R"(/glyphs.png"
titrate_embedded_atlas_end:
  .balign 64
titrate_embedded_model:
  .incbin ")" TITRATE_EMBEDDED_FOLDER R"(/glyphs.onnx"
titrate_embedded_model_end:
  .popsection
)");

namespace titrate {
namespace {

extern "C" {
extern const std::byte titrate_embedded_atlas[];
extern const std::byte titrate_embedded_atlas_end[];
extern const std::byte titrate_embedded_model[];
extern const std::byte titrate_embedded_model_end[];
}

}  // namespace

std::span<const std::byte> embedded_atlas_file() { return {titrate_embedded_atlas, titrate_embedded_atlas_end}; }
std::span<const std::byte> embedded_model_file() { return {titrate_embedded_model, titrate_embedded_model_end}; }

}  // namespace titrate
