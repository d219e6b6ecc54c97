#include "engine/passes/lower/gemm.hpp"

#include "engine/base/text.hpp"
#include "engine/passes/lower/table.hpp"
#include "engine/passes/lower/weights.hpp"

namespace titrate::engine::lowering {

Refusal lower_gemm(Lowering& lowering, const GemmPattern& pattern) {
  const Node node = lowering.graph().nodes[pattern.node];
  const Checked<Quantizer> a = lowering.activation(node, 0);
  if (!a) return a.why();
  const std::int64_t channel_axis = pattern.transpose_b ? 0 : 1;
  const Checked<Quantizer> b = constant_weights(lowering, node, 1, channel_axis);
  if (!b) return b.why();
  const Shape& shape = lowering.graph().constant(b->codes)->shape();
  if (shape.size() != 2) return cat("its weights have the shape ", to_text(shape), ", not two axes");
  const Checked<IntegerBias> bias = integer_bias(lowering, pattern.bias, *a, *b, shape[static_cast<std::size_t>(channel_axis)]);
  if (!bias) return bias.why();
  // ONNX Runtime brings float biases into int32 only in front of a quantizer.
  const bool float_bias = bias->source != ValueId::none && lowering.graph().constant(bias->source) != nullptr;
  const Checked<std::size_t> behind = lowering.quantize_behind(pattern.output);
  const Checked<Quantizer> output = lowering.result(pattern.output);
  // A quantizer that does not fit runs by itself behind the float output.
  if (!output && (behind || !pattern.may_give_floats)) return output.why();
  if (!output && float_bias) return "its bias is float, and there is no QuantizeLinear behind it";
  Node lowered;
  lowered.type = "QGemm";
  lowered.domain = microsoft;
  if (pattern.transpose_a) lowered.set("transA", std::int64_t{1});
  if (pattern.transpose_b) lowered.set("transB", std::int64_t{1});
  lowered.inputs = {a->codes, lowering.scale_input(*a), lowering.zero_point_input(*a),
                    b->codes, lowering.scale_input(*b), lowering.zero_point_input(*b)};
  const bool has_bias = bias->source != ValueId::none;
  if (has_bias) lowered.inputs.push_back(lowering.add_constant(lowering.graph()[bias->source].name + "_int32", bias->codes));
  if (output) {
    if (!has_bias) lowered.inputs.push_back(ValueId::none);
    lowered.inputs.push_back(lowering.scale_input(*output));
    lowered.inputs.push_back(lowering.zero_point_input(*output));
  }
  lowered.outputs = {output ? output->codes : pattern.output};
  lowering.replace(pattern.node, std::move(lowered));
  return std::nullopt;
}

Refusal gemm(Lowering& lowering, std::size_t index) {
  const Node& node = lowering.graph().nodes[index];
  if (const float alpha = node.number("alpha", 1); alpha != 1) return cat("its alpha is ", number_text(alpha), ", not 1");
  const bool has_bias = node.has_input(2);
  if (const float beta = node.number("beta", 1); has_bias && beta != 1) return cat("its beta is ", number_text(beta), ", not 1");
  return lower_gemm(lowering, {.node = index,
                               .transpose_a = node.integer("transA", 0) != 0,
                               .transpose_b = node.integer("transB", 0) != 0,
                               .bias = has_bias ? node.inputs[2] : ValueId::none,
                               .output = node.outputs[0]});
}

}  // namespace titrate::engine::lowering
