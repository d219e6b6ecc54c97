#include "engine/passes/subgraphs.hpp"

namespace titrate::engine {
namespace {

void collect(const Graph& graph, Graph& all) {
  for (const Value& value : graph.values) all.add_value(value.name);
  for (const Node& node : graph.nodes) {
    all.nodes.emplace_back();
    all.nodes.back().name = node.name;
    for_each_body(node, [&](const Graph& body) { collect(body, all); });
  }
}

}  // namespace

NameSource names_of(const Model& model) {
  Graph all;
  collect(model.graph, all);
  return NameSource(all);
}

}  // namespace titrate::engine
