// Weights per channel whose zero points differ: ONNX Runtime's convolution ends with an error (microsoft/onnxruntime issue 8890); matrix
// products stay float.
#include "engine/base/text.hpp"
#include "engine/quant/check/rule.hpp"

namespace titrate::engine {
namespace {

bool differ(const lowering::Quantizer& weights) {
  for (std::int64_t channel = 1; channel < weights.scales->elements(); ++channel) {
    if (weights.zero_point_of(static_cast<std::size_t>(channel)) != weights.zero_point_of(0)) return true;
  }
  return false;
}

void find(CheckedModel& model, std::vector<Finding>& findings) {
  if (!model.target().onnxruntime) return;
  for (const QuantizedLayer& layer : model.layers()) {
    if (!layer.input || !differ(layer.weights)) continue;
    const bool convolution = layer.node->type == "Conv";
    findings.push_back({.severity = convolution ? Severity::error : Severity::warning,
                        .node = layer.node->name,
                        .type = layer.node->type,
                        .rule = std::string(weight_zero_points_rule.name),
                        .words = convolution
                                     ? "its weight zero points differ from channel to channel, which the convolution refuses when it runs"
                                     : "its weight zero points differ from channel to channel: it stays float",
                        .hint = "use symmetric weights, or one zero point for all channels"});
  }
}

}  // namespace

const RuleRow weight_zero_points_rule{"weight_zero_points", "weight zero points that differ by channel", true, find};

}  // namespace titrate::engine
