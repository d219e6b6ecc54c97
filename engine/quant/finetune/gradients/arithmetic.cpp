// Gradients of operators that work element by element on two values, or on one and a number.
#include <array>

#include "engine/quant/finetune/gradients/gradient_rule.hpp"

namespace titrate::engine {
namespace {

// A term of one input of a node that broadcasts.
void add_term(GradientBuilder& builder, const Node& node, std::size_t input, ValueId gradient) {
  builder.add(node.inputs[input], builder.summed_to(gradient, builder.shape(node.outputs[0]), node.inputs[input]));
}

void add_sum(GradientBuilder& builder, const Node& node, ValueId gradient) {
  for (const std::size_t input : {0U, 1U}) {
    if (builder.wanted(node.inputs[input])) add_term(builder, node, input, gradient);
  }
}

void add_difference(GradientBuilder& builder, const Node& node, ValueId gradient) {
  if (builder.wanted(node.inputs[0])) add_term(builder, node, 0, gradient);
  if (builder.wanted(node.inputs[1])) add_term(builder, node, 1, builder.node("Neg", {gradient}));
}

void add_product(GradientBuilder& builder, const Node& node, ValueId gradient) {
  if (builder.wanted(node.inputs[0])) add_term(builder, node, 0, builder.product(gradient, node.inputs[1]));
  if (builder.wanted(node.inputs[1])) add_term(builder, node, 1, builder.product(gradient, node.inputs[0]));
}

// (a / b)' = a' / b - (a / b) b' / b
void add_quotient(GradientBuilder& builder, const Node& node, ValueId gradient) {
  const ValueId divided = builder.node("Div", {gradient, node.inputs[1]});
  if (builder.wanted(node.inputs[0])) add_term(builder, node, 0, divided);
  if (builder.wanted(node.inputs[1])) add_term(builder, node, 1, builder.node("Neg", {builder.product(divided, node.outputs[0])}));
}

bool has_constant_exponent(const Graph& graph, const KnownShapes&, const Node& node) {
  const Tensor* exponent = graph.constant(node.inputs[1]);
  return exponent != nullptr && exponent->type() == DataType::float32 && exponent->elements() == 1;
}

void add_power(GradientBuilder& builder, const Node& node, ValueId gradient) {
  const float exponent = builder.graph().constant(node.inputs[1])->data<float>()[0];
  const ValueId slope = exponent == 2 ? node.inputs[0] : builder.node("Pow", {node.inputs[0], builder.number(exponent - 1)});
  add_term(builder, node, 0, builder.product(gradient, builder.scaled(slope, exponent)));
}

void add_negative(GradientBuilder& builder, const Node& node, ValueId gradient) {
  builder.add(node.inputs[0], builder.node("Neg", {gradient}));
}

void add_root(GradientBuilder& builder, const Node& node, ValueId gradient) {
  builder.add(node.inputs[0], builder.node("Div", {builder.scaled(gradient, 0.5F), node.outputs[0]}));
}

void add_exponential(GradientBuilder& builder, const Node& node, ValueId gradient) {
  builder.add(node.inputs[0], builder.product(gradient, node.outputs[0]));
}

void add_logarithm(GradientBuilder& builder, const Node& node, ValueId gradient) {
  builder.add(node.inputs[0], builder.node("Div", {gradient, node.inputs[0]}));
}

void add_reciprocal(GradientBuilder& builder, const Node& node, ValueId gradient) {
  const ValueId square = builder.product(node.outputs[0], node.outputs[0]);
  builder.add(node.inputs[0], builder.node("Neg", {builder.product(gradient, square)}));
}

void add_magnitude(GradientBuilder& builder, const Node& node, ValueId gradient) {
  builder.add(node.inputs[0], builder.product(gradient, builder.node("Sign", {node.inputs[0]})));
}

constexpr std::array rules = {
    GradientRule{"Add", add_sum},
    GradientRule{"Sub", add_difference},
    GradientRule{"Mul", add_product},
    GradientRule{"Div", add_quotient},
    GradientRule{"Pow", add_power, has_constant_exponent},
    GradientRule{"Neg", add_negative},
    GradientRule{"Sqrt", add_root},
    GradientRule{"Exp", add_exponential},
    GradientRule{"Log", add_logarithm},
    GradientRule{"Reciprocal", add_reciprocal},
    GradientRule{"Abs", add_magnitude},
};

}  // namespace

std::span<const GradientRule> arithmetic_gradients() { return rules; }

}  // namespace titrate::engine
