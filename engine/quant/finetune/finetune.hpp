// Quantization-aware training as far as a processor affords it: block after block, on what the quantized part before gives, weights and
// their step sizes (LSQ), biases scales of activations and the parameters of normalizations learn to give what the float model gives
// (algorithms B12).
#pragma once

#include "engine/config/config.hpp"
#include "engine/quant/calibration_samples.hpp"
#include "engine/quant/observers/value_statistics.hpp"
#include "engine/quant/stages/stage.hpp"
#include "engine/quant/weights/solution.hpp"

namespace titrate::engine {

/// Whether a config has the stage.
[[nodiscard]] bool finetunes(const Config& config);

struct FinetuneRequest {
  const Model& reference;  ///< the float model
  const Model& start;      ///< the same with what was done to it since (corrected biases): what is trained
  const Config& config;
  const CalibrationStatistics& statistics;  ///< of `start`
  const WeightSolutions& solutions;         ///< codes found so far; layers without any begin with those rounded to nearest
  const CalibrationSamples& samples;
  const Target& target = default_target();
};

struct FinetunedModel {
  Model model;  ///< float, with trained biases and normalizations
  /// Those given, with trained ranges of activations.
  CalibrationStatistics statistics;
  WeightSolutions solutions;  ///< those given, and the trained ones
};

/// A block keeps what it learned only if its outputs on samples that were held out are nearer to the float model's than before; each of its
/// layers gets a remark by how much, or why it was left as it was: no gain, a number that was not finite, an operator without a gradient.
/// Codes are trained for weight-only schemes with integer codes; other schemes' layers take part with their biases, and with
/// the scales of activations that are rounded to integers by one that no other value shares. Memory: about a
/// gigabyte of activations, whatever the number of samples. Throws Error(invalid) without calibration data, or where no quantized layer has
/// the stage.
[[nodiscard]] FinetunedModel finetune(const FinetuneRequest& request, StageRemarks& remarks);

}  // namespace titrate::engine
