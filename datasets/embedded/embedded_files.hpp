// The files beside this one that are linked into the library as they are.
#pragma once

#include <cstddef>
#include <span>

namespace titrate {

[[nodiscard]] std::span<const std::byte> embedded_atlas_file();  ///< glyphs.png
[[nodiscard]] std::span<const std::byte> embedded_model_file();  ///< glyphs.onnx

}  // namespace titrate
