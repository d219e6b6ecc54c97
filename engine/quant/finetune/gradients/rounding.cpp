// Activations that are rounded to codes: gradients go straight through where the value is within the codes' range, and are 0 beyond it
// (algorithms B12). Scales are learned step sizes.
#include <array>
#include <numeric>

#include "engine/quant/finetune/gradients/gradient_rule.hpp"

namespace titrate::engine {
namespace {

const Node* quantizer_of(const Graph& graph, const Node& node) {
  for (const Node& other : graph.nodes) {
    if (other.type == "QuantizeLinear" && other.outputs[0] == node.inputs[0]) return &other;
  }
  return nullptr;
}

bool rounds_a_value(const Graph& graph, const KnownShapes&, const Node& node) {
  const Node* quantizer = quantizer_of(graph, node);
  const Tensor* scale = graph.constant(node.inputs[1]);
  return quantizer != nullptr && scale != nullptr && scale->type() == DataType::float32 && scale->elements() == 1;
}

void add_dequantized(GradientBuilder& builder, const Node& node, ValueId gradient) {
  const ValueId value = quantizer_of(builder.graph(), node)->inputs[0];
  const ValueId error = builder.node("Abs", {builder.node("Sub", {node.outputs[0], value})});
  // Rounding is half a step off at most; what is further off was clipped.
  const ValueId inside = builder.node("LessOrEqual", {error, builder.scaled(node.inputs[1], 0.5001F)});
  builder.add(value, builder.node("Where", {inside, gradient, builder.number(0)}));
  if (!builder.wanted(node.inputs[1])) return;
  // By the scale: round(x / s) - x / s inside, the code at the end of the range outside.
  const ValueId rest = builder.node("Where", {inside, builder.node("Sub", {node.outputs[0], value}), node.outputs[0]});
  const ValueId slope = builder.node("Div", {rest, node.inputs[1]});
  std::vector<std::int64_t> axes(builder.shape(node.outputs[0]).size());
  std::iota(axes.begin(), axes.end(), 0);
  builder.add(node.inputs[1], builder.sum(builder.product(gradient, slope), axes, false));
}

// The codes have no gradient of their own: the pair's DequantizeLinear gives it to the value before both.
void add_quantized(GradientBuilder&, const Node&, ValueId) {}

bool casts_to(const Node& node, DataType type) { return node.type == "Cast" && node.integer("to", 0) == static_cast<std::int64_t>(type); }

// The Cast to bfloat16 in front of a Cast back.
const Node* narrowing_of(const Graph& graph, const Node& node) {
  for (const Node& other : graph.nodes) {
    if (casts_to(other, DataType::bfloat16) && other.outputs[0] == node.inputs[0]) return &other;
  }
  return nullptr;
}

bool rounds_to_bfloat16(const Graph& graph, const KnownShapes&, const Node& node) {
  return casts_to(node, DataType::bfloat16) || (casts_to(node, DataType::float32) && narrowing_of(graph, node) != nullptr);
}

// As with codes, the second of the pair gives the gradient to the value before both. Nothing is cut off but what is beyond float32's range.
void add_cast(GradientBuilder& builder, const Node& node, ValueId gradient) {
  if (casts_to(node, DataType::float32)) builder.add(narrowing_of(builder.graph(), node)->inputs[0], gradient);
}

constexpr std::array rules = {
    GradientRule{"Cast", add_cast, rounds_to_bfloat16},
    GradientRule{"QuantizeLinear", add_quantized},
    GradientRule{"DequantizeLinear", add_dequantized, rounds_a_value},
};

}  // namespace

std::span<const GradientRule> rounding_gradients() { return rules; }

}  // namespace titrate::engine
