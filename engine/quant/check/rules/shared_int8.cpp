// int8 activations with several readers: ONNX Runtime on x86 turns int8 into uint8 only where a QuantizeLinear has one DequantizeLinear and
// that one reader (its pass QDQS8ToU8); else Conv and MatMul stay float there.
#include "engine/quant/check/rule.hpp"

namespace titrate::engine {
namespace {

void find(CheckedModel& model, std::vector<Finding>& findings) {
  if (!model.target().onnxruntime) return;
  for (const Node& node : model.graph().nodes) {
    if (!node.domain.empty() || (node.type != "Conv" && node.type != "MatMul") || !model.reads_quantized_activation(node, 0)) continue;
    const auto input = model.dequantized(node, 0);
    const Node* dequantize = model.producer(node.inputs[0]);
    if (!input || input->type != DataType::int8) continue;
    const bool alone = model.only_reader(node.inputs[0]) != nullptr && model.only_reader(dequantize->inputs[0]) != nullptr;
    if (alone) continue;
    findings.push_back({.severity = Severity::warning,
                        .node = node.name,
                        .type = node.type,
                        .rule = std::string(shared_int8_rule.name),
                        .words = "its int8 input has several readers: on x86 it stays float",
                        .hint = "use uint8 activations"});
  }
}

}  // namespace

const RuleRow shared_int8_rule{"shared_int8", "int8 activations that several nodes read", false, find};

}  // namespace titrate::engine
