#include "engine/quant/insert_quantizers.hpp"

#include <algorithm>
#include <limits>

#include "engine/passes/activation_bounds.hpp"
#include "engine/quant/integer_rules.hpp"
#include "engine/quant/stored_weights.hpp"
#include "engine/quant/weight_matrix.hpp"

namespace titrate::engine {
namespace {

struct Pair {
  ValueId quantized;
  ValueId scale;
  ValueId zero_point;
};

Tensor zero_point_tensor(const ActivationQuantizer& quantizer) {
  if (is_float8(quantizer.type)) return Tensor::zeros(quantizer.type, {});
  const std::int32_t zero_point = quantizer.parameters.zero_point;
  if (quantizer.type == DataType::uint16) return Tensor::scalar(static_cast<std::uint16_t>(zero_point));
  if (quantizer.type == DataType::int16) return Tensor::scalar(static_cast<std::int16_t>(zero_point));
  return pack_codes(std::span(&zero_point, 1), quantizer.type, {});
}

Pair add_quantize(GraphRewriter& rewriter, ValueId value, const std::string& name, const ActivationQuantizer& quantizer) {
  // ONNX Runtime moves QuantizeLinear up through pooling and shape operators, which do not take float8.
  if (is_float8(quantizer.type)) value = add_barrier(rewriter, value, name + "_Max");
  rewriter.require_opset(opset_of(quantizer.type, false));
  const ValueId scale = rewriter.add_constant(name + "_scale", Tensor::scalar(quantizer.parameters.scale));
  const ValueId zero_point = rewriter.add_constant(name + "_zero_point", zero_point_tensor(quantizer));
  const ValueId quantized = rewriter.add_node("QuantizeLinear", name + "_QuantizeLinear", {value, scale, zero_point}, name + "_quantized");
  return {quantized, scale, zero_point};
}

ValueId add_dequantize(GraphRewriter& rewriter, const Pair& pair, const std::string& name) {
  return rewriter.add_node("DequantizeLinear", name + "_DequantizeLinear", {pair.quantized, pair.scale, pair.zero_point},
                           name + "_dequantized");
}

// The graph output keeps its name: what makes it now makes another value, and DequantizeLinear makes the output.
void quantize_output(GraphRewriter& rewriter, ValueId output, const ActivationQuantizer& quantizer, std::size_t nodes) {
  Graph& graph = rewriter.graph();
  const std::string name = graph[output].name;
  const ValueId computed = rewriter.add_value(name + "_float");
  for (std::size_t index = 0; index < nodes; ++index) {
    std::replace(graph.nodes[index].outputs.begin(), graph.nodes[index].outputs.end(), output, computed);
  }
  const Pair pair = add_quantize(rewriter, computed, name, quantizer);
  rewriter.add_node_for(output, "DequantizeLinear", name + "_DequantizeLinear", {pair.quantized, pair.scale, pair.zero_point});
}

void quantize_value(GraphRewriter& rewriter, ValueId value, const ActivationQuantizer& quantizer, std::size_t nodes) {
  Graph& graph = rewriter.graph();
  const bool is_output = std::find(graph.outputs.begin(), graph.outputs.end(), value) != graph.outputs.end();
  const bool is_input = std::find(graph.inputs.begin(), graph.inputs.end(), value) != graph.inputs.end();
  if (is_output && !is_input) return quantize_output(rewriter, value, quantizer, nodes);
  const std::string name = graph[value].name;
  const Pair pair = add_quantize(rewriter, value, name, quantizer);
  rewriter.replace_readers(value, add_dequantize(rewriter, pair, name), nodes);
}

// Whether the value is quantized to integers, or comes from such a value through operators that runtimes carry a DequantizeLinear across.
bool comes_from_integers(const Graph& graph, const Uses& uses, const ActivationPlacement& placement, ValueId value) {
  while (value != ValueId::none) {
    if (const auto found = placement.quantized.find(value); found != placement.quantized.end()) return !is_float8(found->second.type);
    if (placement.before_activation.contains(value)) return true;
    const int producer = uses.producer(value);
    if (producer < 0) return false;
    const Node& node = graph.nodes[static_cast<std::size_t>(producer)];
    if (integer_rule(graph, node) != IntegerRule::pass_through && !activation_bounds(graph, node)) return false;
    value = node.inputs[0];
  }
  return false;
}

}  // namespace

ValueId add_barrier(GraphRewriter& rewriter, ValueId value, const std::string& name) {
  const ValueId least = rewriter.add_constant(name + "_lowest", Tensor::scalar(std::numeric_limits<float>::lowest()));
  return rewriter.add_node("Max", name, {value, least}, name + "_unchanged");
}

void insert_quantizers(GraphRewriter& rewriter, const ActivationPlacement& placement) {
  const std::size_t nodes = rewriter.graph().nodes.size();
  for (const auto& [value, quantizer] : placement.quantized) quantize_value(rewriter, value, quantizer, nodes);
  for (const auto& [value, quantizer] : placement.before_activation) quantize_value(rewriter, value, quantizer, nodes);
}

void protect_float_nodes(GraphRewriter& rewriter, const std::vector<Assignment>& assignments, const ActivationPlacement& placement,
                         const Target& target) {
  if (!target.quantizes_float_layers) return;
  const Uses uses(rewriter.graph());
  for (const Assignment& assignment : assignments) {
    if (std::holds_alternative<StaticInt8Scheme>(assignment.scheme)) continue;
    const Node node = rewriter.graph().nodes[assignment.node];
    if (node.type == "MatMul" || is_lookup(node) || !comes_from_integers(rewriter.graph(), uses, placement, node.inputs[0])) continue;
    const ValueId unchanged = add_barrier(rewriter, node.inputs[0], node.name + "_stays_float");
    rewriter.graph().nodes[assignment.node].inputs[0] = unchanged;
  }
}

}  // namespace titrate::engine
