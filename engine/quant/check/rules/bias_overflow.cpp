// Biases that do not fit into int32: codes at the end of the range were cut off; a float bias beside quantized weights is turned into int32
// by ONNX Runtime, which does not look whether it fits (microsoft/onnxruntime pull request 22020).
#include <cmath>

#include "engine/base/text.hpp"
#include "engine/quant/check/rule.hpp"
#include "engine/quant/check/rules/bias.hpp"

namespace titrate::engine {
namespace {

constexpr double most = std::numeric_limits<std::int32_t>::max();

std::optional<std::string> overflow_of(const QuantizedLayer& layer, const LayerBias& bias, std::int64_t channel, bool runtime_quantizes) {
  const std::size_t index = bias.index_of(channel);
  if (bias.quantizer) {
    const double code = bias.values->data<std::int32_t>()[index];
    if (std::fabs(code) < most) return std::nullopt;
    return cat("the int32 bias of channel ", channel, " stands at the end of its range: it was cut off");
  }
  if (!runtime_quantizes) return std::nullopt;
  const bool own = layer.scale_axis() == layer.channel_axis;
  const float scale = layer.input->scale_of(0) * layer.weights.scale_of(own ? static_cast<std::size_t>(channel) : 0);
  const float number = bias.values->data<float>()[index];
  if (std::fabs(static_cast<double>(number) / static_cast<double>(scale)) < most) return std::nullopt;
  return cat("its bias ", lowering::number_text(number), " in steps of ", lowering::number_text(scale),
             " does not fit into int32, into which the runtime brings it");
}

void find(CheckedModel& model, std::vector<Finding>& findings) {
  for (const QuantizedLayer& layer : model.layers()) {
    const auto bias = bias_of(model, layer);
    if (!bias || !layer.input || !layer.input->per_tensor()) continue;
    for (std::int64_t channel = 0; channel < layer.channels(); ++channel) {
      const auto words = overflow_of(layer, *bias, channel, model.target().quantizes_float_layers);
      if (!words) continue;
      findings.push_back({.severity = Severity::error,
                          .node = layer.node->name,
                          .type = layer.node->type,
                          .rule = std::string(bias_overflow_rule.name),
                          .words = *words,
                          .hint = "enlarge the weight scale of the channel, so that the bias takes fewer steps"});
      break;
    }
  }
}

}  // namespace

const RuleRow bias_overflow_rule{"bias_overflow", "a bias that does not fit into int32", true, find};

}  // namespace titrate::engine
