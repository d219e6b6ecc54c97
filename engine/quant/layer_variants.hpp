// One layer of a quantized model by itself, on the float model's values: as it is, and with one part of it quantized at a time. Comparing
// with the float value tells the layer's own noise from what comes from before, and what causes it.
#pragma once

#include <string>
#include <vector>

#include "engine/quant/compared_layers.hpp"

namespace titrate::engine {

/// What is quantized in a variant of a layer.
enum class LayerPart : std::uint8_t {
  everything,
  weights,
  bias,
  activations,  ///< clipped and rounded
  clipping,     ///< activations clipped to the range that has codes, not rounded
};

struct LayerVariants {
  Model model;
  std::vector<std::string> inputs;  ///< the float graph's values to feed, in the order of the model's inputs
  std::vector<LayerPart> parts;     ///< for each model output what is quantized in it; `everything` first
};

/// Parts other than `everything` only where the layer has them and all of it can be put back to float.
[[nodiscard]] LayerVariants build_layer_variants(const Model& reference, const Model& quantized, const LayerMatch& match,
                                                 const ComparedLayer& layer);

}  // namespace titrate::engine
