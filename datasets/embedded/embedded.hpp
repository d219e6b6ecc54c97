// The default task of `titrate demo`, linked into the library: a network that reads glyphs, and the pictures to measure it on. Made by
// datasets/embedded/recipe.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "datasets/dataset.hpp"

namespace titrate {

/// The ONNX file: input "image" float32 [N,1,24,24], output "scores" float32 [N,47].
[[nodiscard]] std::span<const std::byte> embedded_model();

/// 5,000 samples of typefaces that the network was not trained on. A sample is one float32 [1,1,24,24], (grey - 128) / 128; its label is
/// one int64 below 47.
[[nodiscard]] std::shared_ptr<const Dataset> embedded_dataset();

/// 512 samples of the typefaces of the training, under seeds of their own: in neither training nor evaluation.
[[nodiscard]] std::shared_ptr<const Dataset> embedded_calibration();

}  // namespace titrate
