// Quantized weights and activations move the mean of each output channel: biases take that back (algorithms B1).
#pragma once

#include "engine/config/config.hpp"
#include "engine/quant/observers/value_statistics.hpp"
#include "engine/quant/stages/stage.hpp"
#include "engine/quant/weights/solution.hpp"

namespace titrate::engine {

/// Whether a config corrects biases.
[[nodiscard]] bool corrects_biases(const Config& config);

struct CorrectedModel {
  Model model;
  /// Statistics of the model: those that were given, and of values that are new.
  CalibrationStatistics statistics;
};

/// The float model with corrected biases, for the layers whose stages say bias_correction. Mode fast: (W - W^) E[x], E[x] the float model's
/// mean input. Mode full: the mean difference of the layer's outputs, the quantized model's taken with all layers before it corrected. What
/// it did goes to the remarks.
[[nodiscard]] CorrectedModel correct_biases(const Model& prepared, const Config& config, const CalibrationStatistics& statistics,
                                            const WeightSolutions& solutions, const CalibrationSamples& samples, StageRemarks& remarks,
                                            const Target& target = default_target());

}  // namespace titrate::engine
