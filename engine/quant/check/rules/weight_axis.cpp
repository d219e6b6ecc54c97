// Weight scales along another axis than the output channels: ONNX Runtime fuses such a layer as if they ran along the channels where their
// number fits, without a word (seen with 1.30), and fails while it runs where it does not.
#include "engine/base/text.hpp"
#include "engine/quant/check/rule.hpp"

namespace titrate::engine {
namespace {

void find(CheckedModel& model, std::vector<Finding>& findings) {
  if (!model.target().onnxruntime) return;  // others: the target's description says it
  for (const QuantizedLayer& layer : model.layers()) {
    const auto axis = layer.scale_axis();
    // ConvTranspose is computed in float, from weights that are dequantized as they say.
    if (!layer.input || !axis || *axis == layer.channel_axis || layer.node->type == "ConvTranspose") continue;
    const bool fits = layer.weights.scales->elements() == layer.channels();
    findings.push_back(
        {.severity = Severity::error,
         .node = layer.node->name,
         .type = layer.node->type,
         .rule = std::string(weight_axis_rule.name),
         .words = cat("its weight scales run along axis ", *axis, ", its output channels along axis ", layer.channel_axis,
                      fits ? ": as many, so the runtime takes one for the other and computes something else" : ": the runtime fails on it"),
         .hint = cat("quantize the weights along axis ", layer.channel_axis)});
  }
}

}  // namespace

const RuleRow weight_axis_rule{"weight_axis", "weight scales along a wrong axis", true, find};

}  // namespace titrate::engine
