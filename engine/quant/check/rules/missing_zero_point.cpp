// A Gemm whose weights have a scale for each channel and no zero point: what is left out becomes a single 0, of another shape than the
// scales, and the model does not load in ONNX Runtime.
#include "engine/quant/check/rule.hpp"

namespace titrate::engine {
namespace {

void find(CheckedModel& model, std::vector<Finding>& findings) {
  if (!model.target().onnxruntime) return;
  for (const QuantizedLayer& layer : model.layers()) {
    if (layer.node->type != "Gemm" || !layer.input || layer.weights.per_tensor() || layer.weights.zero_points != nullptr) continue;
    findings.push_back({.severity = Severity::error,
                        .node = layer.node->name,
                        .type = layer.node->type,
                        .rule = std::string(missing_zero_point_rule.name),
                        .words = "its weights have a scale for each channel and no zero points: the runtime does not load that",
                        .hint = "write the zero points, one 0 for each channel"});
  }
}

}  // namespace

const RuleRow missing_zero_point_rule{"missing_zero_point", "a Gemm with scales by channel and no zero points", true, find};

}  // namespace titrate::engine
