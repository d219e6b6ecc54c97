// A quantized model in which some layers are put back to float or quantized otherwise: what would be if.
#pragma once

#include <span>

#include "engine/quant/compared_layers.hpp"

namespace titrate::engine {

enum class LayerForm : std::uint8_t { as_it_is, put_back };

/// What becomes of one layer.
struct LayerChange {
  LayerForm form = LayerForm::as_it_is;
  Tensor weights;                      ///< where they exist, these are read instead of the stored ones
  std::optional<QuantizedRead> range;  ///< this activation gets codes for [low, high]
};

/// `changes`: one for each layer of the match. `rest_as_it_is`: what is quantized between the layers stays so; else it is put back too.
/// Throws Error(invalid) naming the layer if one cannot be put back: it computes on codes, and the float model's inputs are not there.
[[nodiscard]] Model change_layers(const Model& reference, const Model& quantized, const LayerMatch& match,
                                  std::span<const LayerChange> changes, bool rest_as_it_is);

}  // namespace titrate::engine
