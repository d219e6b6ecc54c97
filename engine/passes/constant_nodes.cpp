#include "engine/passes/constant_nodes.hpp"

#include <algorithm>

#include "engine/passes/evaluate.hpp"
#include "engine/passes/graph_edits.hpp"
#include "engine/passes/raise_opset.hpp"
#include "engine/passes/subgraphs.hpp"

namespace titrate::engine {
namespace {

std::size_t convert(Graph& graph) {
  return std::erase_if(graph.nodes, [&](const Node& node) {
    if (!node.has_output(0) || is_graph_output(graph, node.outputs[0])) return false;
    const std::optional<Tensor> tensor = constant_of(node);
    if (tensor) make_constant(graph, node.outputs[0], *tensor);
    return tensor.has_value();
  });
}

}  // namespace

std::size_t constant_nodes_to_initializers(Model& model) {
  const std::size_t count = rewrite_every_graph(model.graph, convert);
  if (count > 0) raise_ir_version(model, 4);
  return count;
}

}  // namespace titrate::engine
