// The bias of a quantized layer, as several rules look at it.
#pragma once

#include <optional>

#include "engine/quant/check/checked_model.hpp"

namespace titrate::engine {

struct LayerBias {
  const Tensor* values = nullptr;                ///< int32 codes, or floats
  std::optional<lowering::Quantizer> quantizer;  ///< of codes

  [[nodiscard]] std::size_t index_of(std::int64_t channel) const { return values->elements() == 1 ? 0 : static_cast<std::size_t>(channel); }
};

/// None: the layer has no bias, one that is computed, or one that is not one number a channel (or for all).
[[nodiscard]] std::optional<LayerBias> bias_of(const CheckedModel& model, const QuantizedLayer& layer);

}  // namespace titrate::engine
