#include "engine/passes/channels_last/layout.hpp"

#include <utility>

#include "engine/passes/evaluate.hpp"

namespace titrate::engine::layout {

std::size_t moved_axis(std::size_t axis, std::size_t rank) { return axis == 0 ? 0 : axis == 1 ? rank - 1 : axis - 1; }

std::vector<std::int64_t> to_channels_last(std::size_t rank) {
  std::vector<std::int64_t> order{0};
  for (std::size_t axis = 2; axis < rank; ++axis) order.push_back(static_cast<std::int64_t>(axis));
  order.push_back(1);
  return order;
}

std::vector<std::int64_t> to_channels_first(std::size_t rank) {
  std::vector<std::int64_t> order{0, static_cast<std::int64_t>(rank) - 1};
  for (std::size_t axis = 1; axis + 1 < rank; ++axis) order.push_back(static_cast<std::int64_t>(axis));
  return order;
}

namespace {

Node transpose_node(const std::string& name, ValueId from, ValueId to, const std::vector<std::int64_t>& order) {
  Node node;
  node.name = name;
  node.type = "Transpose";
  node.inputs = {from};
  node.outputs = {to};
  node.set("perm", order);
  return node;
}

}  // namespace

Layout::Layout(Graph& graph, std::vector<ValueInfo> types) : graph_(graph), types_(std::move(types)), names_(graph) {}

std::optional<std::size_t> Layout::rank(ValueId id) const {
  if (const auto twin = twins_.find(id); twin != twins_.end()) return twin->second.rank;
  if (const Tensor* tensor = graph_.constant(id)) return tensor->shape().size();
  const auto index = static_cast<std::size_t>(id);
  if (id == ValueId::none || index >= types_.size() || !types_[index].shape) return std::nullopt;
  return types_[index].shape->size();
}

ValueId Layout::current(ValueId id) const {
  const auto found = aliases_.find(id);
  return found == aliases_.end() ? id : found->second;
}

ValueId Layout::transpose(ValueId from, ValueId to, const std::vector<std::int64_t>& order) {
  nodes_.push_back(transpose_node(names_.node(graph_[to].name + "_Transpose"), from, to, order));
  return to;
}

ValueId Layout::channels_last(ValueId id, std::size_t rank) {
  if (const auto twin = twins_.find(id); twin != twins_.end()) return twin->second.value;
  if (const auto known = turned_.find(id); known != turned_.end()) return known->second;
  if (const Tensor* tensor = graph_.constant(id)) {
    const Node node = transpose_node("constant", id, id, to_channels_last(rank));
    const std::vector<Operand> operands{operand_of(tensor)};
    constexpr std::int64_t opset = 13;  // Transpose means the same in every opset
    const auto outputs = evaluate(node, opset, operands, 2 * tensor->bytes().size() + 64);
    if (outputs) return turned_[id] = add_constant(graph_[id].name + "_channels_last", outputs->at(0));
  }
  const ValueId to = graph_.add_value(names_.value(graph_[id].name + "_channels_last"));
  return turned_[id] = transpose(current(id), to, to_channels_last(rank));
}

ValueId Layout::channels_first(ValueId id) {
  if (const auto known = restored_.find(id); known != restored_.end()) return id;
  const auto twin = twins_.find(id);
  if (twin == twins_.end() || aliases_.contains(id)) return current(id);
  restored_.emplace(id, id);
  return transpose(twin->second.value, id, to_channels_first(twin->second.rank));
}

ValueId Layout::make_twin(ValueId id, std::size_t rank) {
  const ValueId twin = graph_.add_value(names_.value(graph_[id].name + "_channels_last"));
  twins_[id] = {twin, rank};
  return twin;
}

void Layout::set_twin(ValueId id, ValueId twin, std::size_t rank) { twins_[id] = {twin, rank}; }

ValueId Layout::add_constant(const std::string& name, Tensor tensor) { return graph_.add_constant(names_.value(name), std::move(tensor)); }

void Layout::finish() {
  for (const ValueId output : graph_.outputs) (void)channels_first(output);
  for (KeptValue& kept : graph_.kept) kept.value = channels_first(kept.value);
  graph_.nodes = std::move(nodes_);
}

}  // namespace titrate::engine::layout
