#include "engine/passes/remove_unused_nodes.hpp"

#include "engine/passes/subgraphs.hpp"

namespace titrate::engine {

std::size_t remove_unused_nodes(Model& model) {
  return rewrite_every_graph(model.graph, [](Graph& graph) {
    const std::size_t before = graph.nodes.size() + graph.values.size();
    remove_unused(graph);
    return before - graph.nodes.size() - graph.values.size();
  });
}

}  // namespace titrate::engine
