// DQ, DQ(weights)[, DQ(bias)] -> Conv -> Q becomes QLinearConv.
#include "engine/passes/lower/table.hpp"
#include "engine/passes/lower/weights.hpp"

namespace titrate::engine::lowering {

Refusal convolution(Lowering& lowering, std::size_t index) {
  const Node node = lowering.graph().nodes[index];
  const Checked<Quantizer> input = lowering.activation(node, 0);
  if (!input) return input.why();
  const Checked<Quantizer> weights = constant_weights(lowering, node, 1, 0);
  if (!weights) return weights.why();
  const std::int64_t channels = lowering.graph().constant(weights->codes)->shape().at(0);
  const Checked<IntegerBias> bias = integer_bias(lowering, node.has_input(2) ? node.inputs[2] : ValueId::none, *input, *weights, channels);
  if (!bias) return bias.why();
  const Checked<Quantizer> output = lowering.result(node.outputs[0]);
  if (!output) return output.why();
  Node lowered = node;
  lowered.type = "QLinearConv";
  lowered.inputs = {input->codes,
                    lowering.scale_input(*input),
                    lowering.zero_point_input(*input),
                    weights->codes,
                    lowering.scale_input(*weights),
                    lowering.zero_point_input(*weights),
                    lowering.scale_input(*output),
                    lowering.zero_point_input(*output)};
  if (bias->source != ValueId::none)
    lowered.inputs.push_back(lowering.add_constant(lowering.graph()[bias->source].name + "_int32", bias->codes));
  lowered.outputs = {output->codes};
  lowering.replace(index, std::move(lowered));
  return std::nullopt;
}

}  // namespace titrate::engine::lowering
