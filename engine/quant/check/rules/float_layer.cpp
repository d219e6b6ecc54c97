// A float Conv, ConvTranspose or Gemm between DequantizeLinear and QuantizeLinear: ONNX Runtime quantizes its weights behind one's back,
// with one scale for all (its pass WeightBiasQuantization; microsoft/onnxruntime pull requests 22969, 24537).
#include <array>

#include "engine/passes/activation_bounds.hpp"
#include "engine/quant/check/rule.hpp"
#include "engine/quant/integer_rules.hpp"

namespace titrate::engine {
namespace {

// Runtimes carry quantizers across it.
bool is_crossed(const CheckedModel& model, const Node& node) {
  return integer_rule(model.graph(), node) == IntegerRule::pass_through || activation_bounds(model.graph(), node);
}

bool comes_from_codes(const CheckedModel& model, ValueId value) {
  for (const Node* node = model.producer(value); node != nullptr; node = model.producer(node->inputs[0])) {
    if (lowering::is_dequantize(*node)) return model.graph().constant(node->inputs[0]) == nullptr;
    if (!is_crossed(model, *node)) return false;
  }
  return false;
}

bool goes_to_codes(const CheckedModel& model, ValueId value) {
  for (const Node* node = model.only_reader(value); node != nullptr; node = model.only_reader(node->outputs[0])) {
    if (lowering::is_quantize(*node)) return true;
    if (!is_crossed(model, *node)) return false;
  }
  return false;
}

void find(CheckedModel& model, std::vector<Finding>& findings) {
  if (!model.target().quantizes_float_layers) return;
  constexpr std::array<std::string_view, 3> types = {"Conv", "ConvTranspose", "Gemm"};
  for (const Node& node : model.graph().nodes) {
    if (!node.domain.empty() || std::ranges::find(types, node.type) == types.end()) continue;
    if (model.graph().constant_input(node, 1) == nullptr) continue;
    if (!comes_from_codes(model, node.inputs[0]) || !goes_to_codes(model, node.outputs[0])) continue;
    findings.push_back({.severity = Severity::error,
                        .node = node.name,
                        .type = node.type,
                        .rule = std::string(float_layer_rule.name),
                        .words = "its weights are float between DequantizeLinear and QuantizeLinear: the runtime quantizes them by itself, "
                                 "with one scale for all",
                        .hint = "quantize the weights, or leave out the QuantizeLinear behind it"});
  }
}

}  // namespace

const RuleRow float_layer_rule{"float_layer", "a float layer that the runtime quantizes behind one's back", true, find};

}  // namespace titrate::engine
