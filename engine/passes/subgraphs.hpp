// Reading and rewriting the graphs inside nodes (If, Loop, Scan). Bodies are shared constants: a changed one replaces the old.
#pragma once

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "engine/graph/graph.hpp"

namespace titrate::engine {

template <class Visit>
void for_each_body(const Node& node, Visit&& visit) {
  for (const Attribute& attribute : node.attributes) {
    if (const auto* one = std::get_if<std::shared_ptr<const Graph>>(&attribute.content)) visit(**one);
    if (const auto* many = std::get_if<std::vector<std::shared_ptr<const Graph>>>(&attribute.content)) {
      for (const auto& body : *many) visit(*body);
    }
  }
}

/// Calls rewrite(copy, original) -> bool for each body of each node; the copy takes the original's place where it says true. Not recursive:
/// rewrite() descends itself.
template <class Rewrite>
void rewrite_bodies(Graph& graph, Rewrite&& rewrite) {
  const auto replace = [&](std::shared_ptr<const Graph>& body) {
    Graph copy = *body;
    if (rewrite(copy, *body)) body = std::make_shared<const Graph>(std::move(copy));
  };
  for (Node& node : graph.nodes) {
    for (Attribute& attribute : node.attributes) {
      if (auto* one = std::get_if<std::shared_ptr<const Graph>>(&attribute.content)) replace(*one);
      if (auto* many = std::get_if<std::vector<std::shared_ptr<const Graph>>>(&attribute.content)) {
        for (auto& body : *many) replace(body);
      }
    }
  }
}

/// Runs a rewrite of one graph on the model's graph and on every sub-graph, innermost first; the sum of what it returns.
template <class Rewrite>
std::size_t rewrite_every_graph(Graph& graph, Rewrite&& rewrite) {
  std::size_t count = 0;
  rewrite_bodies(graph, [&](Graph& body, const Graph&) {
    const std::size_t inside = rewrite_every_graph(body, rewrite);
    count += inside;
    return inside > 0;
  });
  return count + rewrite(graph);
}

/// New names for a model: unique in the graph and all its sub-graphs, where names of enclosing graphs are seen.
[[nodiscard]] NameSource names_of(const Model& model);

}  // namespace titrate::engine
