// Histograms of what a layer quantizes, with the ranges that have codes.
#pragma once

#include <vector>

#include "tuner/layer_measurement.hpp"

namespace titrate {

/// Of its activations in the float model, as they were tallied, and of its float weights.
[[nodiscard]] std::vector<Histogram> layer_histograms(const engine::LayerMatch& match, std::size_t layer, const LayerTally& tally);

}  // namespace titrate
