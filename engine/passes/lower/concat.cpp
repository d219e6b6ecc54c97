// DQ ... -> Concat -> Q becomes QLinearConcat, which brings each input to the output's scale.
#include "engine/base/text.hpp"
#include "engine/passes/lower/table.hpp"

namespace titrate::engine::lowering {

Refusal concat(Lowering& lowering, std::size_t index) {
  const Node node = lowering.graph().nodes[index];
  if (node.inputs.size() < 2) return "it has a single input";
  std::vector<Quantizer> inputs;
  for (std::size_t input = 0; input < node.inputs.size(); ++input) {
    const Checked<Quantizer> quantizer = lowering.activation(node, input);
    if (!quantizer) return quantizer.why();
    inputs.push_back(*quantizer);
  }
  const Checked<Quantizer> output = lowering.result(node.outputs[0]);
  if (!output) return output.why();
  for (const Quantizer& input : inputs) {
    if (input.type != output->type) return cat("an input is ", name_of(input.type), ", its output ", name_of(output->type));
  }
  Node lowered;
  lowered.type = "QLinearConcat";
  lowered.domain = microsoft;
  lowered.attributes = node.attributes;
  lowered.inputs = {lowering.scale_input(*output), lowering.zero_point_input(*output)};
  for (const Quantizer& input : inputs) {
    lowered.inputs.push_back(input.codes);
    lowered.inputs.push_back(lowering.scale_input(input));
    lowered.inputs.push_back(lowering.zero_point_input(input));
  }
  lowered.outputs = {output->codes};
  lowering.replace(index, std::move(lowered));
  return std::nullopt;
}

}  // namespace titrate::engine::lowering
