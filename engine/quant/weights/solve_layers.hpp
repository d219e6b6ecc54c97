// Finds the codes of all layers whose schemes need to know their inputs: one layer after the other, on the activations of the part that is
// quantized already, so that later layers make up for the errors of earlier ones.
#pragma once

#include "engine/config/config.hpp"
#include "engine/quant/calibration_samples.hpp"
#include "engine/quant/targets/read_target.hpp"
#include "engine/quant/weights/solution.hpp"

namespace titrate::engine {

/// Whether a config has such layers on this graph.
[[nodiscard]] bool needs_layer_inputs(const Model& prepared, const Config& config, const Target& target = default_target());
/// The same, or layers whose schemes do without but better with.
[[nodiscard]] bool uses_layer_inputs(const Model& prepared, const Config& config, const Target& target = default_target());

/// A layer keeps what its scheme found only if its output on held-out calibration rows is nearer to the float model's than with weights
/// rounded to nearest on the same grid; else it keeps the latter, and the remark says so. On the quantized side weight-only integer schemes
/// count; activations are float. Memory: at most about a gigabyte of activations and as much of moments, whatever the number of samples.
[[nodiscard]] WeightSolutions solve_layers(const Model& prepared, const Config& config, const CalibrationSamples& samples,
                                           const Target& target = default_target());

}  // namespace titrate::engine
