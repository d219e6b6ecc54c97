// DQ -> pooling of averages, LeakyRelu, Sigmoid or Softmax -> Q becomes its QLinear form; the scales are free.
#include "engine/base/text.hpp"
#include "engine/passes/lower/table.hpp"

namespace titrate::engine::lowering {

namespace {

// What the operator's own attributes rule out.
Refusal attribute_refusal(const Node& node) {
  if (node.type != "AveragePool") return std::nullopt;
  for (const std::int64_t dilation : node.integers("dilations")) {
    if (dilation != 1) return "its window is dilated";
  }
  return std::nullopt;
}

// Softmax normalizes one axis from opset 13 on, and all from `axis` on before; the operator is told which.
void say_opset(const Node& node, std::int64_t opset, Node& lowered) {
  if (node.type != "Softmax") return;
  lowered.set("axis", node.integer("axis", opset < 13 ? 1 : -1));
  lowered.set("opset", opset);
}

}  // namespace

Refusal unary(Lowering& lowering, std::size_t index) {
  const Node node = lowering.graph().nodes[index];
  if (const Refusal refusal = attribute_refusal(node)) return refusal;
  const Checked<Quantizer> input = lowering.activation(node, 0);
  if (!input) return input.why();
  const Checked<Quantizer> output = lowering.result(node.outputs[0]);
  if (!output) return output.why();
  if (input->type != output->type) return cat("its input is ", name_of(input->type), ", its output ", name_of(output->type));
  Node lowered;
  lowered.type = cat("QLinear", node.type);
  lowered.domain = microsoft;
  lowered.attributes = node.attributes;
  lowered.remove("dilations");
  say_opset(node, lowering.opset(), lowered);
  lowered.inputs = {input->codes, lowering.scale_input(*input), lowering.zero_point_input(*input), lowering.scale_input(*output),
                    lowering.zero_point_input(*output)};
  lowered.outputs = {output->codes};
  lowering.replace(index, std::move(lowered));
  return std::nullopt;
}

}  // namespace titrate::engine::lowering
