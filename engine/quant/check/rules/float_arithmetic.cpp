// Layers that are quantized and yet compute in float, with the reason of the lowering pass.
#include <unordered_map>

#include "engine/passes/lower/multiply_accumulates.hpp"
#include "engine/quant/check/rule.hpp"

namespace titrate::engine {
namespace {

// A layer whose weights are float constants was left float on purpose.
bool is_meant_for_integers(const CheckedModel& model, const Node& node) {
  return lowering::multiplies_and_accumulates(node) && node.domain.empty() && model.reads_quantized_activation(node, 0) &&
         model.graph().constant_input(node, 1) == nullptr;
}

void find(CheckedModel& model, std::vector<Finding>& findings) {
  if (!model.target().onnxruntime) return;
  std::unordered_map<std::string_view, const Node*> nodes;
  for (const Node& node : model.graph().nodes) nodes.emplace(node.name, &node);
  for (const LoweredNode& lowered : model.lowering_report().nodes) {
    const auto node = nodes.find(lowered.name);
    if (lowered.integer || node == nodes.end() || !is_meant_for_integers(model, *node->second)) continue;
    findings.push_back({.severity = Severity::warning,
                        .node = lowered.name,
                        .type = lowered.type,
                        .rule = std::string(float_arithmetic_rule.name),
                        .words = "it stays float: " + lowered.reason,
                        .hint = "titrate inspect --lowering shows how each node runs"});
  }
}

}  // namespace

const RuleRow float_arithmetic_rule{"float_arithmetic", "a quantized layer that computes in float", false, find};

}  // namespace titrate::engine
