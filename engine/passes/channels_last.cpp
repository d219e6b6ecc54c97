#include "engine/passes/channels_last.hpp"

#include <algorithm>
#include <utility>

#include "engine/passes/channels_last/layout.hpp"
#include "engine/passes/channels_last/moves.hpp"
#include "engine/passes/infer_shapes.hpp"

namespace titrate::engine {
namespace {

bool is_convolution(const Node& node) { return node.type == "QLinearConv" && node.domain.empty(); }

// A node with sub-graphs reads by name: what it captures must be there as the graph has it.
bool captures(const Node& node) { return !captured_names(node).empty(); }

std::vector<ValueInfo> known_types(const Model& model) {
  const Inference inference = infer_values(model, {}, OnFault::leave_unknown);
  std::vector<ValueInfo> types;
  for (const KnownValue& value : inference.of(model.graph)) types.push_back(value.info);
  return types;
}

}  // namespace

std::size_t channels_last(Model& model) {
  if (std::ranges::none_of(model.graph.nodes, is_convolution) || std::ranges::any_of(model.graph.nodes, captures)) return 0;
  layout::Layout layout(model.graph, known_types(model));
  std::size_t count = 0;
  for (const Node& node : std::vector<Node>(std::exchange(model.graph.nodes, {}))) {
    const layout::Row* row = layout::find_row(node);
    if (row != nullptr && row->move(layout, node)) {
      ++count;
      continue;
    }
    Node same = node;
    for (ValueId& input : same.inputs) {
      if (input != ValueId::none) input = layout.channels_first(input);
    }
    layout.add(std::move(same));
  }
  layout.finish();
  if (model.opset("com.microsoft") == 0) model.set_opset("com.microsoft", 1);
  sort_nodes(model.graph);
  remove_unused(model.graph);
  verify(model.graph);
  return count;
}

}  // namespace titrate::engine
