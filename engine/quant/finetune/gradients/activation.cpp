// Gradients of activation functions.
#include <array>
#include <cmath>
#include <numbers>

#include "engine/quant/finetune/gradients/gradient_rule.hpp"

namespace titrate::engine {
namespace {

// The gradient where a condition holds, 0 elsewhere.
ValueId where(GradientBuilder& builder, ValueId condition, ValueId gradient) {
  return builder.node("Where", {condition, gradient, builder.number(0)});
}

void add_relu(GradientBuilder& builder, const Node& node, ValueId gradient) {
  const ValueId open = builder.node("Greater", {node.outputs[0], builder.number(0)});
  builder.add(node.inputs[0], where(builder, open, gradient));
}

void add_leaky_relu(GradientBuilder& builder, const Node& node, ValueId gradient) {
  const ValueId open = builder.node("Greater", {node.inputs[0], builder.number(0)});
  const ValueId leaked = builder.scaled(gradient, node.number("alpha", 0.01F));
  builder.add(node.inputs[0], builder.node("Where", {open, gradient, leaked}));
}

// Inside, a value is what it was.
void add_clip(GradientBuilder& builder, const Node& node, ValueId gradient) {
  const ValueId inside = builder.node("Equal", {node.inputs[0], node.outputs[0]});
  builder.add(node.inputs[0], where(builder, inside, gradient));
}

// y (1 - y)
ValueId sigmoid_slope(GradientBuilder& builder, ValueId output) {
  return builder.product(output, builder.node("Sub", {builder.number(1), output}));
}

void add_sigmoid(GradientBuilder& builder, const Node& node, ValueId gradient) {
  builder.add(node.inputs[0], builder.product(gradient, sigmoid_slope(builder, node.outputs[0])));
}

void add_softplus(GradientBuilder& builder, const Node& node, ValueId gradient) {
  builder.add(node.inputs[0], builder.product(gradient, builder.node("Sigmoid", {node.inputs[0]})));
}

// 1 - y^2
void add_tanh(GradientBuilder& builder, const Node& node, ValueId gradient) {
  const ValueId square = builder.product(node.outputs[0], node.outputs[0]);
  builder.add(node.inputs[0], builder.product(gradient, builder.node("Sub", {builder.number(1), square})));
}

// factor * exp(-x^2 / width)
ValueId bell(GradientBuilder& builder, ValueId x, float factor, float width) {
  const ValueId exponent = builder.scaled(builder.product(x, x), -1 / width);
  return builder.scaled(builder.node("Exp", {exponent}), factor);
}

void add_erf(GradientBuilder& builder, const Node& node, ValueId gradient) {
  const auto factor = static_cast<float>(2 * std::numbers::inv_sqrtpi);
  builder.add(node.inputs[0], builder.product(gradient, bell(builder, node.inputs[0], factor, 1)));
}

bool is_exact(const Graph&, const KnownShapes&, const Node& node) { return node.text("approximate", "none") == "none"; }

// x Phi(x): Phi(x) + x phi(x)
void add_gelu(GradientBuilder& builder, const Node& node, ValueId gradient) {
  const ValueId x = node.inputs[0];
  const ValueId erf = builder.node("Erf", {builder.scaled(x, static_cast<float>(1 / std::numbers::sqrt2))});
  const ValueId below = builder.node("Add", {builder.scaled(erf, 0.5F), builder.number(0.5F)});
  const auto factor = static_cast<float>(std::numbers::inv_sqrtpi / std::numbers::sqrt2);
  const ValueId slope = builder.node("Add", {below, builder.product(x, bell(builder, x, factor, 2))});
  builder.add(x, builder.product(gradient, slope));
}

// x sigmoid(alpha x): s + alpha y (1 - s)
void add_swish(GradientBuilder& builder, const Node& node, ValueId gradient) {
  const float alpha = node.number("alpha", 1);
  const ValueId s = builder.node("Sigmoid", {builder.scaled(node.inputs[0], alpha)});
  const ValueId rest = builder.product(builder.scaled(node.outputs[0], alpha), builder.node("Sub", {builder.number(1), s}));
  builder.add(node.inputs[0], builder.product(gradient, builder.node("Add", {s, rest})));
}

// clip(alpha x + beta, 0, 1)
void add_hard_sigmoid(GradientBuilder& builder, const Node& node, ValueId gradient) {
  const ValueId above = builder.node("Greater", {node.outputs[0], builder.number(0)});
  const ValueId below = builder.node("Less", {node.outputs[0], builder.number(1)});
  const ValueId inside = builder.node("And", {above, below});
  builder.add(node.inputs[0], where(builder, inside, builder.scaled(gradient, node.number("alpha", 0.2F))));
}

// x clip(x / 6 + 1 / 2, 0, 1): x / 3 + 1 / 2 between -3 and 3
void add_hard_swish(GradientBuilder& builder, const Node& node, ValueId gradient) {
  const ValueId x = node.inputs[0];
  const ValueId between = builder.node("Add", {builder.scaled(x, 1.0F / 3), builder.number(0.5F)});
  const ValueId at_least = builder.node("Greater", {x, builder.number(-3)});
  const ValueId low = builder.node("Where", {at_least, between, builder.number(0)});
  const ValueId high = builder.node("Greater", {x, builder.number(3)});
  builder.add(x, builder.product(gradient, builder.node("Where", {high, builder.number(1), low})));
}

// y (g - sum of g y)
void add_softmax(GradientBuilder& builder, const Node& node, ValueId gradient) {
  const ValueId weighted = builder.product(gradient, node.outputs[0]);
  const ValueId total = builder.sum(weighted, {node.integer("axis", -1)}, true);
  builder.add(node.inputs[0], builder.node("Sub", {weighted, builder.product(node.outputs[0], total)}));
}

constexpr std::array rules = {
    GradientRule{"Relu", add_relu},
    GradientRule{"LeakyRelu", add_leaky_relu},
    GradientRule{"Clip", add_clip},
    GradientRule{"Sigmoid", add_sigmoid},
    GradientRule{"Softplus", add_softplus},
    GradientRule{"Tanh", add_tanh},
    GradientRule{"Erf", add_erf},
    GradientRule{"Gelu", add_gelu, is_exact},
    GradientRule{"Swish", add_swish},
    GradientRule{"HardSigmoid", add_hard_sigmoid},
    GradientRule{"HardSwish", add_hard_swish},
    GradientRule{"Softmax", add_softmax},
};

}  // namespace

std::span<const GradientRule> activation_gradients() { return rules; }

}  // namespace titrate::engine
