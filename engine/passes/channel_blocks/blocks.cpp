#include "engine/passes/channel_blocks/blocks.hpp"

#include <algorithm>
#include <utility>

#include "engine/ops/channel_blocks.hpp"
#include "engine/passes/evaluate.hpp"

namespace titrate::engine::blocks {

Blocks::Blocks(Graph& graph, std::vector<ValueInfo> types, const NodeNames& in_planes)
    : graph_(graph), types_(std::move(types)), in_planes_(in_planes), lanes_(ops::block_lanes()), names_(graph) {}

std::optional<Shape> Blocks::planes_shape(ValueId id) const {
  if (id == ValueId::none || graph_.constant(id) != nullptr) return std::nullopt;
  const ValueInfo& info = type(id);
  if (info.type != DataType::float32 || !info.shape || info.shape->size() != 4 || !(*info.shape)[1].known()) return std::nullopt;
  Shape shape;
  for (const Dimension& dimension : *info.shape) shape.push_back(dimension.size);
  return shape;
}

// One pixel of whole blocks: the same floats in the same order.
bool Blocks::is_only_a_shape(ValueId id) const {
  const std::optional<Shape> shape = planes_shape(id);
  return shape && (*shape)[2] == 1 && (*shape)[3] == 1 && (*shape)[1] % lanes_ == 0;
}

void Blocks::reorder(std::string type, ValueId id, ValueId from, ValueId to) {
  const Shape shape = planes_shape(id).value_or(Shape{});
  Node node;
  node.name = names_.node(graph_[id].name + "_" + type);
  node.inputs = {from};
  node.outputs = {to};
  if (is_only_a_shape(id)) {
    constexpr std::int64_t as_it_is = 0;
    const bool into = type == "ToBlocks";
    const std::vector<std::int64_t> sizes =
        into ? std::vector<std::int64_t>{as_it_is, shape[1] / lanes_, 1, 1, lanes_} : std::vector<std::int64_t>{as_it_is, shape[1], 1, 1};
    node.type = "Reshape";
    node.inputs.push_back(
        add_constant(graph_[id].name + "_shape", Tensor::of<std::int64_t>({static_cast<std::int64_t>(sizes.size())}, sizes)));
  } else {
    node.type = std::move(type);
    node.domain = ops::blocks_domain;
    node.set("lanes", lanes_);
    if (node.type == "FromBlocks") node.set("channels", shape.at(1));
    double floats = 1;
    for (std::size_t axis = 1; axis < shape.size(); ++axis) floats *= static_cast<double>(std::max<std::int64_t>(shape[axis], 1));
    regions_.add_reordered(id, floats);
  }
  add(std::move(node));
}

ValueId Blocks::in_blocks(ValueId id) {
  if (const auto made = made_.find(id); made != made_.end()) return made->second;
  if (const auto known = turned_.find(id); known != turned_.end()) return known->second;
  const ValueId to = graph_.add_value(names_.value(graph_[id].name + "_blocks"));
  reorder("ToBlocks", id, id, to);
  return turned_[id] = to;
}

ValueId Blocks::in_planes(ValueId id) {
  const auto made = made_.find(id);
  if (made == made_.end() || !restored_.insert(id).second) return id;
  reorder("FromBlocks", id, made->second, id);
  return id;
}

ValueId Blocks::constant_in_blocks(ValueId id, std::int64_t channels) {
  const Tensor* tensor = graph_.constant(id);
  if (tensor == nullptr || tensor->type() != DataType::float32 || tensor->rank() > 4) return ValueId::none;
  if (tensor->elements() == 1) return id;
  Shape shape(4 - tensor->shape().size(), 1);
  shape.insert(shape.end(), tensor->shape().begin(), tensor->shape().end());
  if (shape[1] == 1) {
    Shape all_lanes = shape;
    all_lanes.push_back(1);
    return add_constant(graph_[id].name + "_blocks", tensor->reshaped(all_lanes));
  }
  if (shape[1] != channels) return ValueId::none;
  Node node;
  node.name = graph_[id].name + "_ToBlocks";
  node.type = "ToBlocks";
  node.domain = ops::blocks_domain;
  node.outputs = {id};
  node.set("lanes", lanes_);
  const Tensor planes = tensor->reshaped(shape);
  const std::vector<Operand> operands{operand_of(&planes)};
  const std::size_t most_bytes = static_cast<std::size_t>(lanes_) * tensor->bytes().size();
  const auto outputs = evaluate(node, 1, operands, most_bytes);
  return outputs ? add_constant(graph_[id].name + "_blocks", outputs->at(0)) : ValueId::none;
}

ValueId Blocks::add_constant(const std::string& name, Tensor tensor) { return graph_.add_constant(names_.value(name), std::move(tensor)); }

ValueId Blocks::make(ValueId id) { return made_[id] = graph_.add_value(names_.value(graph_[id].name + "_blocks")); }

void Blocks::make_same(ValueId id, ValueId same) {
  made_[id] = made_.at(same);
  regions_.join(id, same);
}

void Blocks::add_moved(Node node, const Node& original, double products) {
  const ValueId output = original.outputs.at(0);
  for (const std::vector<ValueId>& ids : {original.inputs, original.outputs}) {
    for (const ValueId id : ids) {
      if (id != ValueId::none && has_blocks(id)) regions_.join(output, id);
    }
  }
  if (products > 0) {
    regions_.add_products(output, products);
    convolutions_.emplace_back(original.name, output);
  }
  add(std::move(node));
}

void Blocks::finish() {
  for (const ValueId output : graph_.outputs) (void)in_planes(output);
  for (KeptValue& kept : graph_.kept) keep(kept);
  graph_.nodes = std::move(nodes_);
}

// In blocks, unless it is in planes too: nothing is reordered for it.
void Blocks::keep(KeptValue& kept) {
  if (!made_.contains(kept.value) || restored_.contains(kept.value)) return;
  if (const std::optional<Shape> shape = planes_shape(kept.value))
    kept = {.name = kept.name, .value = made_.at(kept.value), .channels = (*shape)[1]};
  else
    (void)in_planes(kept.value);
}

NodeNames Blocks::not_worth_it() const {
  NodeNames names;
  for (const auto& [name, output] : convolutions_) {
    if (!regions_.pays(output)) names.insert(name);
  }
  return names;
}

}  // namespace titrate::engine::blocks
