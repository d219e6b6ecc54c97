#include "engine/passes/channels_last/moves.hpp"

#include <algorithm>
#include <array>

namespace titrate::engine::layout {
namespace {

constexpr std::string_view microsoft = "com.microsoft";

// A region begins at a convolution: it alone is worth a Transpose.
bool convolution(Layout& layout, const Node& node) {
  const Tensor* weights = layout.constant(node.inputs.at(3));
  if (weights == nullptr || weights->rank() < 3) return false;
  const auto rank = static_cast<std::size_t>(weights->rank());
  Node moved = node;
  moved.domain = microsoft;
  moved.set("channels_last", std::int64_t{1});
  moved.inputs[0] = layout.channels_last(node.inputs[0], rank);
  moved.outputs[0] = layout.make_twin(node.outputs[0], rank);
  layout.add(std::move(moved));
  return true;
}

// The node on twins of its first input and output; nothing if the input has none.
std::optional<Node> on_twins(Layout& layout, const Node& node) {
  if (!layout.has_twin(node.inputs.at(0))) return std::nullopt;
  const std::size_t rank = *layout.rank(node.inputs[0]);
  Node moved = node;
  moved.inputs[0] = layout.channels_last(node.inputs[0], rank);
  moved.outputs[0] = layout.make_twin(node.outputs[0], rank);
  return moved;
}

bool pooling(Layout& layout, const Node& node) {
  std::optional<Node> moved = on_twins(layout, node);
  if (!moved) return false;
  moved->set("channels_last", std::int64_t{1});
  layout.add(std::move(*moved));
  return true;
}

bool largest_pooling(Layout& layout, const Node& node) {
  if (node.outputs.size() > 1) return false;
  std::optional<Node> moved = on_twins(layout, node);
  if (!moved) return false;
  moved->type = "NhwcMaxPool";
  moved->domain = microsoft;
  moved->remove("storage_order");
  layout.add(std::move(*moved));
  return true;
}

bool unary(Layout& layout, const Node& node) {
  std::optional<Node> moved = on_twins(layout, node);
  if (!moved) return false;
  layout.add(std::move(*moved));
  return true;
}

// What an operand of a broadcasting operator becomes beside values of `rank` axes.
enum class Operand : std::uint8_t { stays, turns, widens, unknown };

Operand operand_kind(const Layout& layout, ValueId id, std::size_t rank) {
  if (layout.has_twin(id) || layout.rank(id) == rank) return Operand::turns;
  const Tensor* constant = layout.constant(id);
  if (constant == nullptr) return Operand::unknown;
  if (constant->elements() == 1) return Operand::stays;
  return constant->shape().size() < rank ? Operand::widens : Operand::unknown;
}

ValueId turned_operand(Layout& layout, ValueId id, std::size_t rank) {
  switch (operand_kind(layout, id, rank)) {
    case Operand::turns:
      return layout.channels_last(id, rank);
    case Operand::widens: {
      const Tensor& constant = *layout.constant(id);
      Shape shape(rank - constant.shape().size(), 1);
      shape.insert(shape.end(), constant.shape().begin(), constant.shape().end());
      return layout.channels_last(layout.add_constant(layout.graph()[id].name + "_widened", constant.reshaped(shape)), rank);
    }
    default:
      return id;
  }
}

// The rank of the operands that were made channels last; nothing if there are none, or of several ranks.
std::optional<std::size_t> common_rank(const Layout& layout, std::span<const ValueId> operands) {
  std::optional<std::size_t> rank;
  for (const ValueId id : operands) {
    if (!layout.has_twin(id)) continue;
    if (rank && *rank != *layout.rank(id)) return std::nullopt;
    rank = layout.rank(id);
  }
  return rank;
}

bool binary(Layout& layout, const Node& node) {
  const std::array operands{node.inputs.at(0), node.inputs.at(3)};
  const std::optional<std::size_t> rank = common_rank(layout, operands);
  const auto fits = [&](ValueId id) { return operand_kind(layout, id, *rank) != Operand::unknown; };
  if (!rank || !std::ranges::all_of(operands, fits)) return false;
  Node moved = node;
  moved.inputs[0] = turned_operand(layout, operands[0], *rank);
  moved.inputs[3] = turned_operand(layout, operands[1], *rank);
  moved.outputs[0] = layout.make_twin(node.outputs[0], *rank);
  layout.add(std::move(moved));
  return true;
}

// An axis that may count from behind; nothing if it lies outside.
std::optional<std::int64_t> moved_attribute(std::int64_t axis, std::size_t rank) {
  const auto count = static_cast<std::int64_t>(rank);
  if (axis < -count || axis >= count) return std::nullopt;
  return static_cast<std::int64_t>(moved_axis(static_cast<std::size_t>(axis < 0 ? axis + count : axis), rank));
}

// Inputs: scale and zero point of the output, then value, scale, zero point of each input.
bool concat(Layout& layout, const Node& node) {
  std::vector<ValueId> operands;
  for (std::size_t index = 2; index < node.inputs.size(); index += 3) operands.push_back(node.inputs[index]);
  const std::optional<std::size_t> rank = common_rank(layout, operands);
  if (!rank) return false;
  const auto fits = [&](ValueId id) { return layout.rank(id) == rank; };
  const std::optional<std::int64_t> axis = moved_attribute(node.integer("axis", 0), *rank);
  if (!axis || !std::ranges::all_of(operands, fits)) return false;
  Node moved = node;
  moved.set("axis", *axis);
  for (std::size_t index = 2; index < node.inputs.size(); index += 3) moved.inputs[index] = layout.channels_last(node.inputs[index], *rank);
  moved.outputs[0] = layout.make_twin(node.outputs[0], *rank);
  layout.add(std::move(moved));
  return true;
}

bool split(Layout& layout, const Node& node) {
  if (!layout.has_twin(node.inputs.at(0))) return false;
  const std::size_t rank = *layout.rank(node.inputs[0]);
  const std::optional<std::int64_t> axis = moved_attribute(node.integer("axis", 0), rank);
  if (!axis) return false;
  Node moved = node;
  moved.set("axis", *axis);
  moved.inputs[0] = layout.channels_last(node.inputs[0], rank);
  for (ValueId& output : moved.outputs) {
    if (output != ValueId::none) output = layout.make_twin(output, rank);
  }
  layout.add(std::move(moved));
  return true;
}

// The numbers of all axes, in the new order.
template <class Number>
Tensor reordered(const Tensor& numbers) {
  const auto rank = static_cast<std::size_t>(numbers.elements());
  std::vector<Number> result(rank);
  for (std::size_t axis = 0; axis < rank; ++axis) result[moved_axis(axis, rank)] = numbers.data<Number>()[axis];
  return Tensor::of<Number>(numbers.shape(), result);
}

bool resize(Layout& layout, const Node& node) {
  if (!layout.has_twin(node.inputs.at(0)) || node.find("axes") != nullptr) return false;
  if (node.text("coordinate_transformation_mode", "half_pixel") == "tf_crop_and_resize") return false;
  const std::size_t rank = *layout.rank(node.inputs[0]);
  const std::size_t which = node.has_input(3) ? 3 : 2;
  const Tensor* sizes = node.has_input(which) ? layout.constant(node.inputs[which]) : nullptr;
  if (sizes == nullptr || static_cast<std::size_t>(sizes->elements()) != rank) return false;
  if (node.inputs.size() < 3 || (which == 2 && sizes->type() != DataType::float32) || (which == 3 && sizes->type() != DataType::int64))
    return false;
  Tensor numbers = which == 2 ? reordered<float>(*sizes) : reordered<std::int64_t>(*sizes);
  std::optional<Node> moved = on_twins(layout, node);
  moved->inputs[which] = layout.add_constant(layout.graph()[node.inputs[which]].name + "_channels_last", std::move(numbers));
  layout.add(std::move(*moved));
  return true;
}

// Only the list of axes changes. Before opset 10 it is an attribute: then the node stays.
bool slice(Layout& layout, const Node& node) {
  const Tensor* axes = node.has_input(3) ? layout.constant(node.inputs[3]) : nullptr;
  if (!layout.has_twin(node.inputs.at(0)) || axes == nullptr) return false;
  const std::size_t rank = *layout.rank(node.inputs[0]);
  std::vector<std::int64_t> numbers;
  for (const std::int64_t axis : to_integers(*axes)) {
    const std::optional<std::int64_t> moved = moved_attribute(axis, rank);
    if (!moved) return false;
    numbers.push_back(*moved);
  }
  std::optional<Node> moved = on_twins(layout, node);
  // The axes have the type of starts and ends.
  Tensor list = Tensor::of<std::int64_t>(axes->shape(), numbers);
  if (axes->type() == DataType::int32)
    list = Tensor::of<std::int32_t>(axes->shape(), std::vector<std::int32_t>(numbers.begin(), numbers.end()));
  moved->inputs[3] = layout.add_constant(layout.graph()[node.inputs[3]].name + "_channels_last", std::move(list));
  layout.add(std::move(*moved));
  return true;
}

// The model's own Transposes: one into the order of the graph gives its output a twin, one out of it is the twin.
bool transpose(Layout& layout, const Node& node) {
  const std::vector<std::int64_t> order = node.integers("perm");
  const std::size_t rank = order.size();
  if (rank < 3) return false;
  const ValueId from = node.inputs.at(0);
  const ValueId to = node.outputs.at(0);
  if (order == to_channels_first(rank) && !layout.has_twin(from)) {
    layout.set_twin(to, layout.channels_first(from), rank);
    return true;
  }
  const bool is_output = std::ranges::find(layout.graph().outputs, to) != layout.graph().outputs.end();
  if (order != to_channels_last(rank) || !layout.has_twin(from) || is_output) return false;
  layout.set_alias(to, layout.channels_last(from, rank));
  return true;
}

constexpr std::array rows = {
    Row{"QLinearConv", "", convolution},
    Row{"QLinearAveragePool", microsoft, pooling},
    Row{"QLinearGlobalAveragePool", microsoft, pooling},
    Row{"MaxPool", "", largest_pooling},
    Row{"QLinearAdd", microsoft, binary},
    Row{"QLinearMul", microsoft, binary},
    Row{"QLinearConcat", microsoft, concat},
    Row{"QLinearLeakyRelu", microsoft, unary},
    Row{"QLinearSigmoid", microsoft, unary},
    Row{"Resize", "", resize},
    Row{"Slice", "", slice},
    Row{"Split", "", split},
    Row{"Transpose", "", transpose},
};

}  // namespace

const Row* find_row(const Node& node) {
  const auto found = std::ranges::find_if(rows, [&](const Row& row) { return row.type == node.type && row.domain == node.domain; });
  return found == rows.end() ? nullptr : &*found;
}

}  // namespace titrate::engine::layout
