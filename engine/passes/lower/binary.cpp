// DQ, DQ -> Add or Mul -> Q becomes QLinearAdd or QLinearMul.
#include "engine/base/text.hpp"
#include "engine/passes/lower/table.hpp"

namespace titrate::engine::lowering {

Refusal binary(Lowering& lowering, std::size_t index) {
  const Node node = lowering.graph().nodes[index];
  if (node.inputs.size() != 2) return "it has not two operands";
  if (node.find("broadcast") != nullptr || node.find("axis") != nullptr) return "it broadcasts as before opset 7";
  const Checked<Quantizer> a = lowering.activation(node, 0);
  if (!a) return a.why();
  const Checked<Quantizer> b = lowering.activation(node, 1);
  if (!b) return b.why();
  const Checked<Quantizer> output = lowering.result(node.outputs[0]);
  if (!output) return output.why();
  if (a->type != b->type || a->type != output->type)
    return cat("its operands are ", name_of(a->type), " and ", name_of(b->type), ", its output is ", name_of(output->type));
  Node lowered;
  lowered.type = cat("QLinear", node.type);
  lowered.domain = microsoft;
  for (const Checked<Quantizer>* each : {&a, &b}) {
    lowered.inputs.push_back((*each)->codes);
    lowered.inputs.push_back(lowering.scale_input(**each));
    lowered.inputs.push_back(lowering.zero_point_input(**each));
  }
  lowered.inputs.push_back(lowering.scale_input(*output));
  lowered.inputs.push_back(lowering.zero_point_input(*output));
  lowered.outputs = {output->codes};
  lowering.replace(index, std::move(lowered));
  return std::nullopt;
}

}  // namespace titrate::engine::lowering
