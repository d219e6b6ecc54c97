// Quantizers around an operator that has no integer form there: they cost time and accuracy, and nothing is won.
#include <algorithm>
#include <unordered_map>

#include "engine/passes/activation_bounds.hpp"
#include "engine/passes/lower/multiply_accumulates.hpp"
#include "engine/quant/check/rule.hpp"

namespace titrate::engine {
namespace {

// On one side alone they begin or end a part on integers.
bool stands_between_quantizers(const CheckedModel& model, const Node& node) {
  bool reads = false;
  for (std::size_t input = 0; input < node.inputs.size(); ++input) reads = reads || model.reads_quantized_activation(node, input);
  return reads && std::ranges::any_of(node.outputs, [&](ValueId id) { return model.quantize_behind(id) != nullptr; });
}

void find(CheckedModel& model, std::vector<Finding>& findings) {
  if (!model.target().onnxruntime) return;
  std::unordered_map<std::string_view, const Node*> nodes;
  for (const Node& node : model.graph().nodes) nodes.emplace(node.name, &node);
  for (const LoweredNode& lowered : model.lowering_report().nodes) {
    const auto node = nodes.find(lowered.name);
    if (lowered.integer || node == nodes.end() || lowering::multiplies_and_accumulates(*node->second)) continue;
    if (!stands_between_quantizers(model, *node->second)) continue;
    // In front of a Relu that is not redundant they let the layer before it run on integers.
    const bool activation = activation_bounds(model.graph(), *node->second).has_value();
    findings.push_back({.severity = activation ? Severity::note : Severity::warning,
                        .node = lowered.name,
                        .type = lowered.type,
                        .rule = std::string(costly_quantizers_rule.name),
                        .words = activation ? "it is computed in float between integers: the quantizer behind it leaves it something to do"
                                            : "the quantizers around it are pure cost: " + lowered.reason,
                        .hint = activation ? "uint8 codes with the zero point 0 take a Relu in" : "leave the quantizers around it out"});
  }
}

}  // namespace

const RuleRow costly_quantizers_rule{"costly_quantizers", "quantizers around an operator without an integer form", false, find};

}  // namespace titrate::engine
