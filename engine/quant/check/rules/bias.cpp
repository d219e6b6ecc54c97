#include "engine/quant/check/rules/bias.hpp"

namespace titrate::engine {

std::optional<LayerBias> bias_of(const CheckedModel& model, const QuantizedLayer& layer) {
  if (layer.node->type == "MatMul" || !layer.node->has_input(2)) return std::nullopt;
  LayerBias bias;
  bias.values = model.graph().constant_input(*layer.node, 2);
  if (bias.values == nullptr) {
    bias.quantizer = model.dequantized(*layer.node, 2);
    if (bias.quantizer) bias.values = model.graph().constant(bias.quantizer->codes);
  }
  const DataType wanted = bias.quantizer ? DataType::int32 : DataType::float32;
  if (bias.values == nullptr || bias.values->type() != wanted) return std::nullopt;
  if (bias.values->elements() != 1 && bias.values->elements() != layer.channels()) return std::nullopt;
  // A single scale serves all codes; others must be one each.
  if (bias.quantizer && bias.quantizer->scales->elements() != 1 && bias.quantizer->scales->elements() != bias.values->elements())
    return std::nullopt;
  return bias;
}

}  // namespace titrate::engine
