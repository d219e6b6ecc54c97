// Gradients of operators that move, cut, repeat or average values.
#include <algorithm>
#include <array>
#include <numeric>
#include <optional>

#include "engine/quant/finetune/gradients/gradient_rule.hpp"

namespace titrate::engine {
namespace {

std::vector<std::int64_t> integers_of(const Tensor& tensor) {
  const auto elements = tensor.data<std::int64_t>();
  return {elements.begin(), elements.end()};
}

std::optional<std::vector<std::int64_t>> constant_integers(const Graph& graph, const Node& node, std::size_t input) {
  const Tensor* tensor = graph.constant_input(node, input);
  if (tensor == nullptr || tensor->type() != DataType::int64) return std::nullopt;
  return integers_of(*tensor);
}

void add_reshaped(GradientBuilder& builder, const Node& node, ValueId gradient) {
  builder.add(node.inputs[0], builder.shaped_like(gradient, node.inputs[0]));
}

void add_unchanged(GradientBuilder& builder, const Node& node, ValueId gradient) { builder.add(node.inputs[0], gradient); }

bool is_inference(const Graph&, const KnownShapes&, const Node& node) { return !node.has_input(2); }

void add_transposed(GradientBuilder& builder, const Node& node, ValueId gradient) {
  const std::size_t rank = builder.shape(node.inputs[0]).size();
  std::vector<std::int64_t> reversed(rank);
  std::iota(reversed.begin(), reversed.end(), 0);
  std::reverse(reversed.begin(), reversed.end());
  const std::vector<std::int64_t> order = node.integers("perm", reversed);
  std::vector<std::int64_t> back(rank);
  for (std::size_t axis = 0; axis < rank; ++axis) back[static_cast<std::size_t>(order[axis])] = static_cast<std::int64_t>(axis);
  builder.add(node.inputs[0], builder.node("Transpose", {gradient}, {attribute("perm", back)}));
}

void add_expanded(GradientBuilder& builder, const Node& node, ValueId gradient) {
  builder.add(node.inputs[0], builder.summed_to(gradient, builder.shape(node.outputs[0]), node.inputs[0]));
}

void add_concatenated(GradientBuilder& builder, const Node& node, ValueId gradient) {
  const auto rank = std::ssize(builder.shape(node.outputs[0]));
  const std::int64_t axis = (node.integer("axis", 0) + rank) % rank;
  std::int64_t begin = 0;
  for (const ValueId input : node.inputs) {
    const std::int64_t end = begin + builder.shape(input)[static_cast<std::size_t>(axis)];
    if (builder.wanted(input))
      builder.add(input, builder.node("Slice", {gradient, builder.integers({begin}), builder.integers({end}), builder.integers({axis})}));
    begin = end;
  }
}

// Along which axes a Slice takes which part: constant, forwards, one after the other.
bool cuts_plainly(const Graph& graph, const KnownShapes&, const Node& node) {
  if (!constant_integers(graph, node, 1) || !constant_integers(graph, node, 2)) return false;
  if (node.has_input(3) && !constant_integers(graph, node, 3)) return false;
  if (!node.has_input(4)) return true;
  const auto steps = constant_integers(graph, node, 4);
  return steps && std::ranges::all_of(*steps, [](std::int64_t step) { return step == 1; });
}

// Zeros around.
void add_cut(GradientBuilder& builder, const Node& node, ValueId gradient) {
  const Shape& from = builder.shape(node.inputs[0]);
  const Shape& to = builder.shape(node.outputs[0]);
  const std::vector<std::int64_t> starts = *constant_integers(builder.graph(), node, 1);
  std::vector<std::int64_t> axes(starts.size());
  std::iota(axes.begin(), axes.end(), 0);
  if (node.has_input(3)) axes = *constant_integers(builder.graph(), node, 3);
  const std::size_t rank = from.size();
  std::vector<std::int64_t> pads(2 * rank, 0);
  for (std::size_t index = 0; index < axes.size(); ++index) {
    const auto axis = static_cast<std::size_t>(axes[index] < 0 ? axes[index] + std::ssize(from) : axes[index]);
    const std::int64_t start = starts[index] < 0 ? starts[index] + from[axis] : starts[index];
    pads[axis] = std::clamp(start, std::int64_t{0}, from[axis]);
    pads[rank + axis] = from[axis] - to[axis] - pads[axis];
  }
  builder.add(node.inputs[0], builder.node("Pad", {gradient, builder.integers(pads)}));
}

// The axes of a reduction, whether they stand in an attribute or an input; empty: all.
std::vector<std::int64_t> reduced_axes(const Graph& graph, const Node& node) {
  if (node.has_input(1)) return *constant_integers(graph, node, 1);
  return node.integers("axes");
}

bool has_known_axes(const Graph& graph, const KnownShapes&, const Node& node) {
  return (!node.has_input(1) || constant_integers(graph, node, 1)) && node.integer("noop_with_empty_axes", 0) == 0;
}

// The gradient with ones where axes were reduced, spread over them.
ValueId spread(GradientBuilder& builder, const Node& node, ValueId gradient) {
  if (node.integer("keepdims", 1) == 0) {
    Shape kept = builder.shape(node.inputs[0]);
    std::vector<std::int64_t> axes = reduced_axes(builder.graph(), node);
    if (axes.empty()) {
      axes.resize(kept.size());
      std::iota(axes.begin(), axes.end(), 0);
    }
    for (std::int64_t& axis : axes) axis = axis < 0 ? axis + std::ssize(kept) : axis;
    gradient = builder.node("Unsqueeze", {gradient, builder.integers(axes)});
  }
  return builder.node("Expand", {gradient, builder.node("Shape", {node.inputs[0]})});
}

// How many elements of the input make one of the output.
ValueId elements_of_each(GradientBuilder& builder, const Node& node) {
  const auto size = [&](ValueId value) {
    return builder.node("Cast", {builder.node("Size", {value})}, {attribute("to", std::int64_t{1})});
  };
  return builder.node("Div", {size(node.inputs[0]), size(node.outputs[0])});
}

void add_reduced_sum(GradientBuilder& builder, const Node& node, ValueId gradient) {
  builder.add(node.inputs[0], spread(builder, node, gradient));
}

void add_reduced_mean(GradientBuilder& builder, const Node& node, ValueId gradient) {
  const ValueId share = builder.node("Div", {gradient, elements_of_each(builder, node)});
  builder.add(node.inputs[0], spread(builder, node, share));
}

constexpr std::array rules = {
    GradientRule{"Reshape", add_reshaped},
    GradientRule{"Flatten", add_reshaped},
    GradientRule{"Squeeze", add_reshaped},
    GradientRule{"Unsqueeze", add_reshaped},
    GradientRule{"Identity", add_unchanged},
    GradientRule{"Dropout", add_unchanged, is_inference},
    GradientRule{"Transpose", add_transposed},
    GradientRule{"Expand", add_expanded},
    GradientRule{"Concat", add_concatenated},
    GradientRule{"Slice", add_cut, cuts_plainly},
    GradientRule{"ReduceSum", add_reduced_sum, has_known_axes},
    GradientRule{"ReduceMean", add_reduced_mean, has_known_axes},
    GradientRule{"GlobalAveragePool", add_reduced_mean},
};

}  // namespace

std::span<const GradientRule> shape_gradients() { return rules; }

}  // namespace titrate::engine
