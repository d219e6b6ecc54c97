#include "engine/passes/drop_unread_statistics.hpp"

#include <algorithm>

#include "engine/passes/subgraphs.hpp"

namespace titrate::engine {
namespace {

std::size_t drop(Graph& graph) {
  const Uses uses(graph);
  const auto is_read = [&](ValueId id) { return id != ValueId::none && (uses.is_output(id) || !uses.readers(id).empty()); };
  std::size_t count = 0;
  for (Node& node : graph.nodes) {
    if (node.type != "BatchNormalization" || !(node.domain.empty() || node.domain == "ai.onnx") || node.outputs.size() < 2) continue;
    if (std::any_of(node.outputs.begin() + 1, node.outputs.end(), is_read)) continue;
    node.outputs.resize(1);
    ++count;
  }
  if (count > 0) remove_unused(graph);  // the values are made by nobody now
  return count;
}

}  // namespace

std::size_t drop_unread_statistics(Model& model) {
  if (model.opset() >= 14) return 0;  // there a training mode is said, and extra outputs without it are wrong
  return rewrite_every_graph(model.graph, drop);
}

}  // namespace titrate::engine
