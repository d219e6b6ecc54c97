// The scale of an int32 bias that is not input scale x weight scale: integer kernels add the codes to the sums of products and do not look
// at it.
#include <cmath>

#include "engine/base/text.hpp"
#include "engine/quant/check/rule.hpp"
#include "engine/quant/check/rules/bias.hpp"

namespace titrate::engine {
namespace {

// ONNX Runtime 1.30: up to 0.1 % nothing changes, at 1 % single codes do.
constexpr double unnoticed = 1e-3;
constexpr double tolerated = 1e-2;

void check_layer(const CheckedModel& model, const QuantizedLayer& layer, std::vector<Finding>& findings) {
  const auto bias = bias_of(model, layer);
  if (!bias || !bias->quantizer || !layer.input || !layer.input->per_tensor()) return;
  double worst = 0;
  float stored = 0;
  float wanted = 0;
  for (std::int64_t channel = 0; channel < layer.channels(); ++channel) {
    const std::size_t index = bias->index_of(channel);
    if (bias->values->data<std::int32_t>()[index] == bias->quantizer->zero_point_of(index)) continue;  // 0 in any scale
    const bool own = layer.scale_axis() == layer.channel_axis && layer.weights.scales->elements() == layer.channels();
    const float product = layer.input->scale_of(0) * layer.weights.scale_of(own ? static_cast<std::size_t>(channel) : 0);
    const double difference = std::fabs(static_cast<double>(bias->quantizer->scale_of(index)) / static_cast<double>(product) - 1);
    if (!(difference > worst)) continue;
    worst = difference;
    stored = bias->quantizer->scale_of(index);
    wanted = product;
  }
  if (worst <= unnoticed) return;
  findings.push_back({.severity = worst <= tolerated ? Severity::warning : Severity::error,
                      .node = layer.node->name,
                      .type = layer.node->type,
                      .rule = std::string(bias_scale_rule.name),
                      .words = cat("its bias has the scale ", lowering::number_text(stored), ", but input scale x weight scale is ",
                                   lowering::number_text(wanted), ": runtimes add the codes as they are"),
                      .hint = "quantize the bias again with input scale x weight scale of each channel"});
}

void find(CheckedModel& model, std::vector<Finding>& findings) {
  for (const QuantizedLayer& layer : model.layers()) check_layer(model, layer, findings);
}

}  // namespace

const RuleRow bias_scale_rule{"bias_scale", "a bias whose scale is not input scale x weight scale", true, find};

}  // namespace titrate::engine
