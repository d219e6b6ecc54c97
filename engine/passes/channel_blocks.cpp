#include "engine/passes/channel_blocks.hpp"

#include <algorithm>
#include <utility>

#include "engine/ops/channel_blocks.hpp"
#include "engine/passes/channel_blocks/blocks.hpp"
#include "engine/passes/channel_blocks/moves.hpp"
#include "engine/passes/infer_shapes.hpp"

namespace titrate::engine {
namespace {

// A node with sub-graphs reads by name: what it captures must be there as the graph has it.
bool captures(const Node& node) { return !captured_names(node).empty(); }

std::vector<ValueInfo> known_types(const Model& model) {
  const Inference inference = infer_values(model);
  std::vector<ValueInfo> types;
  for (const KnownValue& value : inference.of(model.graph)) types.push_back(value.info);
  return types;
}

struct Moved {
  std::size_t nodes = 0;
  blocks::NodeNames not_worth_it;
};

// Moves what can move but the convolutions `in_planes`.
Moved move_nodes(Graph& graph, const std::vector<ValueInfo>& types, const blocks::NodeNames& in_planes) {
  blocks::Blocks blocks(graph, types, in_planes);
  Moved moved;
  for (const Node& node : std::vector<Node>(std::exchange(graph.nodes, {}))) {
    const blocks::Row* row = blocks::find_row(node);
    if (row != nullptr && row->move(blocks, node)) {
      ++moved.nodes;
      continue;
    }
    Node same = node;
    for (ValueId& input : same.inputs) {
      if (input != ValueId::none) input = blocks.in_planes(input);
    }
    blocks.add(std::move(same));
  }
  blocks.finish();
  moved.not_worth_it = blocks.not_worth_it();
  return moved;
}

}  // namespace

std::size_t channel_blocks(Model& model) {
  constexpr std::int64_t least_opset = 7;  // before it operands of Add did not broadcast as they do now
  const std::vector<Node>& nodes = model.graph.nodes;
  if (model.opset() < least_opset || std::ranges::none_of(nodes, blocks::is_convolution) || std::ranges::any_of(nodes, captures)) return 0;
  const std::vector<ValueInfo> types = known_types(model);
  Graph graph = model.graph;
  Moved moved = move_nodes(graph, types, {});
  if (!moved.not_worth_it.empty()) {
    // Regions are known only when they are whole: once more, without those that reordering would eat up.
    graph = model.graph;
    moved = move_nodes(graph, types, moved.not_worth_it);
  }
  if (moved.nodes == 0) return 0;
  model.graph = std::move(graph);
  model.set_opset(ops::blocks_domain, 1);
  sort_nodes(model.graph);
  remove_unused(model.graph);
  verify(model.graph);
  return moved.nodes;
}

}  // namespace titrate::engine
