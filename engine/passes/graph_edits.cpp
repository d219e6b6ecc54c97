#include "engine/passes/graph_edits.hpp"

#include <algorithm>
#include <memory>
#include <utility>

namespace titrate::engine {

bool is_graph_output(const Graph& graph, ValueId id) {
  return std::find(graph.outputs.begin(), graph.outputs.end(), id) != graph.outputs.end();
}

std::optional<std::size_t> only_reader(const Uses& uses, ValueId id) {
  if (static_cast<std::size_t>(id) >= uses.consumers.size() || uses.is_output(id) || uses.readers(id).size() != 1) return std::nullopt;
  return static_cast<std::size_t>(uses.readers(id).front());
}

void make_constant(Graph& graph, ValueId id, Tensor tensor) {
  Value& value = graph[id];
  ValueInfo info{.type = tensor.type(), .shape = std::vector<Dimension>{}};
  for (const std::int64_t size : tensor.shape()) info.shape->push_back({.size = size, .symbol = {}});
  if (value.info != info) value.value_info_message.clear();
  value.info = std::move(info);
  value.constant = std::make_shared<const Tensor>(std::move(tensor));
}

void replace_constant_input(Graph& graph, const Uses& uses, NameSource& names, Node& node, std::size_t index, Tensor tensor,
                            const std::string& wanted) {
  if (!node.has_input(index)) {
    if (node.inputs.size() <= index) node.inputs.resize(index + 1, ValueId::none);
    node.inputs[index] = graph.add_constant(names.value(wanted), std::move(tensor));
    return;
  }
  const ValueId id = node.inputs[index];
  const bool added_by_pass = static_cast<std::size_t>(id) >= uses.consumers.size();
  if (added_by_pass || only_reader(uses, id)) {
    make_constant(graph, id, std::move(tensor));
  } else {
    node.inputs[index] = graph.add_constant(names.value(graph[id].name + "_folded"), std::move(tensor));
  }
}

}  // namespace titrate::engine
