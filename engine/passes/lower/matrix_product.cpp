// DQ, DQ -> MatMul becomes QLinearMatMul with a QuantizeLinear behind it, else MatMulIntegerToFloat; MatMul + Add of a bias becomes QGemm.
#include "engine/passes/lower/gemm.hpp"
#include "engine/passes/lower/table.hpp"
#include "engine/passes/lower/weights.hpp"

namespace titrate::engine::lowering {

namespace {

// The right operand: weights with a scale for each column or one for all, or another activation.
Checked<Quantizer> right_operand(const Lowering& lowering, const Node& node) {
  const Checked<Quantizer> any = lowering.dequantized(node, 1);
  const Tensor* codes = any ? lowering.graph().constant(any->codes) : nullptr;
  if (codes == nullptr && lowering.graph().constant_input(node, 1) == nullptr) return lowering.activation(node, 1);
  Checked<Quantizer> weights = constant_weights(lowering, node, 1, codes == nullptr ? 1 : codes->rank() - 1);
  if (weights && !weights->per_tensor() && codes->rank() != 2)
    return Failed{"its weights have more than two axes and a scale for each column"};
  return weights;
}

bool is_matrix(const Lowering& lowering, ValueId id) { return lowering.rank(id) == std::size_t{2}; }

// A constant, or a DequantizeLinear of int32 codes.
bool is_bias(const Lowering& lowering, ValueId id) {
  if (lowering.graph().constant(id) != nullptr) return true;
  const int producer = lowering.uses().producer(id);
  if (producer < 0) return false;
  const Node& node = lowering.graph().nodes[static_cast<std::size_t>(producer)];
  return is_dequantize(node) && lowering.type(node.inputs[0]) == DataType::int32;
}

// The Add behind a product of two matrices that ONNX Runtime makes a Gemm of.
std::optional<std::size_t> bias_addition(const Lowering& lowering, const Node& node) {
  const Graph& graph = lowering.graph();
  const std::vector<int>& readers = lowering.uses().readers(node.outputs[0]);
  if (lowering.uses().is_output(node.outputs[0]) || readers.size() != 1) return std::nullopt;
  const Node& add = graph.nodes[static_cast<std::size_t>(readers[0])];
  if (add.type != "Add" || !add.domain.empty() || add.inputs.size() != 2) return std::nullopt;
  const ValueId other = add.inputs[0] == node.outputs[0] ? add.inputs[1] : add.inputs[0];
  if (!is_bias(lowering, other) || !is_matrix(lowering, node.inputs[0]) || !is_matrix(lowering, node.inputs[1])) return std::nullopt;
  return static_cast<std::size_t>(readers[0]);
}

Refusal with_bias(Lowering& lowering, std::size_t index, std::size_t addition) {
  const Node& node = lowering.graph().nodes[index];
  const Node& add = lowering.graph().nodes[addition];
  const Refusal refusal = lower_gemm(lowering, {.node = index,
                                                .bias = add.inputs[0] == node.outputs[0] ? add.inputs[1] : add.inputs[0],
                                                .output = add.outputs[0],
                                                // ONNX Runtime leaves such a Gemm float: its bias is not quantized.
                                                .may_give_floats = false});
  if (!refusal) lowering.absorb(addition, "part of " + quoted(lowering.graph().nodes[index]));
  return refusal;
}

}  // namespace

Refusal matrix_product(Lowering& lowering, std::size_t index) {
  const Node node = lowering.graph().nodes[index];
  const Checked<Quantizer> a = lowering.activation(node, 0);
  if (!a) return a.why();
  const Checked<Quantizer> b = right_operand(lowering, node);
  if (!b) return b.why();
  if (const auto addition = bias_addition(lowering, node)) return with_bias(lowering, index, *addition);
  const Checked<std::size_t> behind = lowering.quantize_behind(node.outputs[0]);
  const Checked<Quantizer> output = lowering.result(node.outputs[0]);
  if (behind && !output) return output.why();
  Node lowered;
  if (output) {
    lowered.type = "QLinearMatMul";
    lowered.inputs = {a->codes,
                      lowering.scale_input(*a),
                      lowering.zero_point_input(*a),
                      b->codes,
                      lowering.scale_input(*b),
                      lowering.zero_point_input(*b),
                      lowering.scale_input(*output),
                      lowering.zero_point_input(*output)};
    lowered.outputs = {output->codes};
  } else {
    lowered.type = "MatMulIntegerToFloat";
    lowered.domain = microsoft;
    lowered.inputs = {a->codes,
                      b->codes,
                      lowering.scale_input(*a),
                      lowering.scale_input(*b),
                      lowering.zero_point_input(*a),
                      lowering.zero_point_input(*b)};
    lowered.outputs = node.outputs;
  }
  lowering.replace(index, std::move(lowered));
  return std::nullopt;
}

}  // namespace titrate::engine::lowering
