// MatMulInteger -> Cast -> Mul by both scales [-> Add of a bias] becomes MatMulIntegerToFloat; with the DynamicQuantizeLinear in front of
// it, if nobody else reads that, DynamicQuantizeMatMul. MatMulInteger itself computes on integers already: a refusal only leaves it so.
#include "engine/passes/lower/table.hpp"

namespace titrate::engine::lowering {

namespace {

struct DynamicPattern {
  std::size_t cast = 0;
  std::size_t product = 0;  ///< Mul by the scales
  std::optional<std::size_t> addition;
  std::optional<std::size_t> quantizer;  ///< DynamicQuantizeLinear that only this product reads
  ValueId a_scale = ValueId::none;
  ValueId b_scale = ValueId::none;
  ValueId bias = ValueId::none;
  ValueId output = ValueId::none;
};

std::optional<std::size_t> only_reader_of_type(const Lowering& lowering, ValueId value, std::string_view type) {
  const std::vector<int>& readers = lowering.uses().readers(value);
  if (lowering.uses().is_output(value) || readers.size() != 1) return std::nullopt;
  const auto reader = static_cast<std::size_t>(readers[0]);
  const Node& node = lowering.graph().nodes[reader];
  return node.domain.empty() && node.type == type ? std::optional(reader) : std::nullopt;
}

ValueId other_input(const Node& node, ValueId one) { return node.inputs[0] == one ? node.inputs[1] : node.inputs[0]; }

const Node* producer_of_type(const Lowering& lowering, ValueId value, std::string_view type) {
  const int producer = lowering.uses().producer(value);
  if (producer < 0) return nullptr;
  const Node& node = lowering.graph().nodes[static_cast<std::size_t>(producer)];
  return node.domain.empty() && node.type == type ? &node : nullptr;
}

// A bias of one number a column.
std::optional<std::size_t> bias_addition(const Lowering& lowering, ValueId product, std::int64_t columns, ValueId& bias) {
  const auto addition = only_reader_of_type(lowering, product, "Add");
  if (!addition) return std::nullopt;
  const ValueId other = other_input(lowering.graph().nodes[*addition], product);
  const Tensor* constant = lowering.graph().constant(other);
  if (constant == nullptr || constant->type() != DataType::float32 || constant->shape() != Shape{columns}) return std::nullopt;
  bias = other;
  return addition;
}

std::optional<std::size_t> own_quantizer(const Lowering& lowering, const Node& node, ValueId a_scale) {
  const Node* quantizer = producer_of_type(lowering, node.inputs[0], "DynamicQuantizeLinear");
  if (quantizer == nullptr || quantizer->outputs.size() != 3 || quantizer->outputs[1] != a_scale) return std::nullopt;
  if (!node.has_input(2) || node.inputs[2] != quantizer->outputs[2]) return std::nullopt;
  for (const ValueId output : quantizer->outputs) {
    if (lowering.uses().is_output(output) || lowering.uses().readers(output).size() != 1) return std::nullopt;
  }
  return static_cast<std::size_t>(lowering.uses().producer(node.inputs[0]));
}

Checked<DynamicPattern> match(const Lowering& lowering, const Node& node) {
  const Graph& graph = lowering.graph();
  const Tensor* weights = graph.constant_input(node, 1);
  if (weights == nullptr || weights->rank() != 2) return Failed{"its weights are computed"};
  const auto cast = only_reader_of_type(lowering, node.outputs[0], "Cast");
  if (!cast || graph.nodes[*cast].integer("to", 0) != static_cast<std::int64_t>(DataType::float32))
    return Failed{"no Cast to float32 behind it"};
  const ValueId floats = graph.nodes[*cast].outputs[0];
  const auto product = only_reader_of_type(lowering, floats, "Mul");
  if (!product) return Failed{"no Mul by its scales behind it"};
  const Node* scales = producer_of_type(lowering, other_input(graph.nodes[*product], floats), "Mul");
  if (scales == nullptr) return Failed{"no Mul by its scales behind it"};
  const bool b_first = graph.constant(scales->inputs[0]) != nullptr;
  DynamicPattern pattern{.cast = *cast, .product = *product, .addition = {}, .quantizer = {}};
  pattern.a_scale = scales->inputs[b_first ? 1 : 0];
  pattern.b_scale = scales->inputs[b_first ? 0 : 1];
  const Tensor* b_scale = graph.constant(pattern.b_scale);
  if (b_scale == nullptr || b_scale->type() != DataType::float32) return Failed{"the scale of its weights is computed"};
  const std::int64_t columns = weights->shape()[1];
  if (b_scale->elements() != 1 && b_scale->shape() != Shape{columns}) return Failed{"its weights have a scale for each row"};
  pattern.quantizer = own_quantizer(lowering, node, pattern.a_scale);
  if (!pattern.quantizer && lowering.rank(pattern.a_scale) != std::size_t{0}) return Failed{"its input has several scales"};
  pattern.output = graph.nodes[*product].outputs[0];
  pattern.addition = bias_addition(lowering, pattern.output, columns, pattern.bias);
  if (pattern.addition) pattern.output = graph.nodes[*pattern.addition].outputs[0];
  return pattern;
}

}  // namespace

Refusal dynamic_product(Lowering& lowering, std::size_t index) {
  const Node node = lowering.graph().nodes[index];
  const Checked<DynamicPattern> pattern = match(lowering, node);
  if (!pattern) return pattern.why();
  const ValueId a_zero = node.has_input(2) ? node.inputs[2] : ValueId::none;
  const ValueId b_zero = node.has_input(3) ? node.inputs[3] : ValueId::none;
  Node lowered;
  lowered.domain = microsoft;
  if (pattern->quantizer) {
    lowered.type = "DynamicQuantizeMatMul";
    lowered.inputs = {lowering.graph().nodes[*pattern->quantizer].inputs[0], node.inputs[1], pattern->b_scale, b_zero};
  } else {
    lowered.type = "MatMulIntegerToFloat";
    lowered.inputs = {node.inputs[0], node.inputs[1], pattern->a_scale, pattern->b_scale, a_zero, b_zero};
  }
  if (pattern->bias != ValueId::none) lowered.inputs.push_back(pattern->bias);
  lowered.outputs = {pattern->output};
  const std::string remark = "part of " + quoted(node);
  lowering.absorb(pattern->cast, remark);
  lowering.absorb(pattern->product, remark);
  if (pattern->addition) lowering.absorb(*pattern->addition, remark);
  if (pattern->quantizer) lowering.absorb(*pattern->quantizer, remark);
  lowering.replace(index, std::move(lowered));
  return std::nullopt;
}

}  // namespace titrate::engine::lowering
