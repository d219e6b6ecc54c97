// int8 activations with several readers: ONNX Runtime on x86 turns int8 into uint8 only where a QuantizeLinear has one DequantizeLinear and
// that one reader (its pass QDQS8ToU8). Conv and MatMul take no other; an operator one of whose sides became uint8 and another did not
// stays float too.
#include "engine/quant/check/rule.hpp"
#include "engine/quant/integer_rules.hpp"

namespace titrate::engine {
namespace {

class Int8Check {
 public:
  Int8Check(const CheckedModel& model, const Node& node) : model_(model), node_(node) {}

  // What is the matter in words; "" if nothing.
  std::string words() {
    for (const ValueId id : data_inputs(node_)) {
      const Node* dequantize = id == ValueId::none ? nullptr : model_.producer(id);
      if (dequantize == nullptr || !lowering::is_dequantize(*dequantize)) return {};
      if (model_.graph().constant(dequantize->inputs[0]) == nullptr) add(*dequantize);
    }
    const bool product = node_.type == "Conv" || node_.type == "MatMul";
    if (product && kept_) return "its int8 input has several readers: on x86 it stays float";
    if (const Node* quantize = model_.quantize_behind(node_.outputs[0])) {
      const Node* dequantize = model_.only_reader(quantize->outputs[0]);
      if (dequantize != nullptr && lowering::is_dequantize(*dequantize)) {
        add(*dequantize);
      } else if (const auto output = model_.quantized(*quantize); output && output->type == DataType::int8) {
        kept_ = true;
      }
    }
    if (!kept_ || !turned_) return {};
    return "of its int8 inputs and output some have several readers and stay int8 on x86, others become uint8: it stays float";
  }

 private:
  void add(const Node& dequantize) {
    const Node* quantize = model_.producer(dequantize.inputs[0]);
    const auto quantizer = quantize != nullptr && lowering::is_quantize(*quantize) ? model_.quantized(*quantize) : std::nullopt;
    if (!quantizer || quantizer->type != DataType::int8) return;
    const bool alone = model_.only_reader(quantize->outputs[0]) != nullptr && model_.only_reader(dequantize.outputs[0]) != nullptr;
    (alone ? turned_ : kept_) = true;
  }

  const CheckedModel& model_;
  const Node& node_;
  bool turned_ = false;  // something becomes uint8
  bool kept_ = false;    // something stays int8
};

void find(CheckedModel& model, std::vector<Finding>& findings) {
  if (!model.target().onnxruntime) return;
  for (const Node& node : model.graph().nodes) {
    const bool product = node.domain.empty() && (node.type == "Conv" || node.type == "MatMul");
    if (!product && !integer_rule(model.graph(), node)) continue;
    const std::string words = Int8Check(model, node).words();
    if (words.empty()) continue;
    findings.push_back({.severity = Severity::warning,
                        .node = node.name,
                        .type = node.type,
                        .rule = std::string(shared_int8_rule.name),
                        .words = words,
                        .hint = "use uint8 activations"});
  }
}

}  // namespace

const RuleRow shared_int8_rule{"shared_int8", "int8 activations that several nodes read", false, find};

}  // namespace titrate::engine
