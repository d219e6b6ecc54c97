// Gradients of operators that read parts of a value: Gather and Split.
#include <algorithm>
#include <array>
#include <numeric>

#include "engine/quant/finetune/gradients/gradient_rule.hpp"

namespace titrate::engine {
namespace {

std::int64_t axis_of(const Node& node, std::int64_t rank) { return (node.integer("axis", 0) + rank) % rank; }

// Indices are no numbers to learn, and a scalar has no parts.
bool gathers_numbers(const Graph&, const KnownShapes& shapes, const Node& node) {
  return !shapes.at(node.inputs[0]).empty() && shapes.contains(node.inputs[1]);
}

// Each row that was read gets the sum of what came of it: written with the gathered axis in front, then turned back.
void add_gathered(GradientBuilder& builder, const Node& node, ValueId gradient) {
  const ValueId data = node.inputs[0];
  if (!builder.wanted(data)) return;
  const auto rank = std::ssize(builder.shape(data));
  const auto picked = std::ssize(builder.shape(node.inputs[1]));
  const std::int64_t axis = axis_of(node, rank);
  // Of the gradient [before ..., indices ..., behind ...], of the data [before ..., axis, behind ...].
  std::vector<std::int64_t> gradient_order(static_cast<std::size_t>(rank - 1 + picked));
  std::iota(gradient_order.begin(), gradient_order.end(), 0);
  std::rotate(gradient_order.begin(), gradient_order.begin() + axis, gradient_order.begin() + axis + picked);
  std::vector<std::int64_t> order(static_cast<std::size_t>(rank));
  std::iota(order.begin(), order.end(), 0);
  std::rotate(order.begin(), order.begin() + axis, order.begin() + axis + 1);
  std::vector<std::int64_t> back(order.size());
  for (std::size_t place = 0; place < order.size(); ++place)
    back[static_cast<std::size_t>(order[place])] = static_cast<std::int64_t>(place);
  const auto turned = [&](ValueId value, const std::vector<std::int64_t>& by) {
    return axis == 0 ? value : builder.node("Transpose", {value}, {attribute("perm", by)});
  };
  const ValueId indices = builder.node("Cast", {node.inputs[1]}, {attribute("to", static_cast<std::int64_t>(DataType::int64))});
  const ValueId tuples = builder.node("Unsqueeze", {indices, builder.integers({-1})});
  const ValueId zeros = turned(builder.node("ConstantOfShape", {builder.node("Shape", {data})}), order);
  const ValueId summed =
      builder.node("ScatterND", {zeros, tuples, turned(gradient, gradient_order)}, {attribute("reduction", std::string("add"))});
  builder.add(data, turned(summed, back));
}

// The parts joined again; zeros for those that nothing came of.
void add_split(GradientBuilder& builder, const Node& node, ValueId) {
  if (!builder.wanted(node.inputs[0])) return;
  std::vector<ValueId> parts;
  for (const ValueId output : node.outputs) {
    const ValueId gradient = builder.gradient_of(output);
    parts.push_back(gradient != ValueId::none ? gradient : builder.node("ConstantOfShape", {builder.node("Shape", {output})}));
  }
  const std::int64_t axis = axis_of(node, std::ssize(builder.shape(node.inputs[0])));
  builder.add(node.inputs[0], builder.node("Concat", parts, {attribute("axis", axis)}));
}

bool names_all_parts(const Graph&, const KnownShapes&, const Node& node) {
  return std::ranges::find(node.outputs, ValueId::none) == node.outputs.end();
}

constexpr std::array rules = {
    GradientRule{.type = "Gather", .add = add_gathered, .serves = gathers_numbers},
    GradientRule{.type = "Split", .add = add_split, .serves = names_all_parts, .all_outputs = true},
};

}  // namespace

std::span<const GradientRule> selection_gradients() { return rules; }

}  // namespace titrate::engine
