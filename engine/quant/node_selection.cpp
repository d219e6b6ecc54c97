#include "engine/quant/node_selection.hpp"

#include <algorithm>
#include <unordered_map>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"
#include "engine/config/subgraph.hpp"
#include "engine/quant/weight_matrix.hpp"

namespace titrate::engine {
namespace {

std::string place_of(const Config& config) { return cat("config '", visible(to_text(config)), "'"); }

std::vector<std::string> at_position(const Graph& graph, const std::string& position, const Config& config) {
  std::vector<std::string> layers;
  for (const Node& node : graph.nodes) {
    // Tables are no layers that follow one another.
    if (!is_lookup(node) && !weight_refusal(graph, node)) layers.push_back(node.name);
  }
  const std::int64_t count = std::ssize(layers);
  const std::int64_t wanted = position == "first" ? 1 : position == "last" ? count : parse_integer(position).value_or(0);
  if (wanted < 1 || wanted > count) {
    throw_usage(cat("override position:", visible(position), " matches no node"), place_of(config),
                cat("the model has ", count, " layers that can be quantized: position:1 to position:", count, ", first or last"));
  }
  return {layers[static_cast<std::size_t>(wanted - 1)]};
}

class SubgraphFinder {
 public:
  explicit SubgraphFinder(const Graph& graph) : graph_(graph), uses_(graph) {
    for (std::size_t index = 0; index < graph.nodes.size(); ++index) index_of_.emplace(graph.nodes[index].name, index);
  }

  std::vector<std::string> find(const SubgraphSelector& selector, const Config& config) const {
    const std::vector<bool> from = reached(indices(selector.inputs, config), true);
    const std::vector<bool> to = reached(indices(selector.outputs, config), false);
    std::vector<std::string> names;
    for (std::size_t index = 0; index < graph_.nodes.size(); ++index) {
      if (from[index] && to[index]) names.push_back(graph_.nodes[index].name);
    }
    if (names.empty()) {
      throw_usage(cat("override between:", visible(titrate::to_text(selector)), " matches no node: no output can be reached from an input"),
                  place_of(config), "the nodes on the left come before those on the right");
    }
    return names;
  }

 private:
  std::vector<std::size_t> indices(const std::vector<std::string>& names, const Config& config) const {
    std::vector<std::size_t> result;
    for (const std::string& name : names) {
      const auto found = index_of_.find(name);
      if (found == index_of_.end()) refuse(name, config);
      result.push_back(found->second);
    }
    return result;
  }

  [[noreturn]] void refuse(const std::string& name, const Config& config) const {
    std::vector<std::string> known;
    for (const Node& node : graph_.nodes) known.push_back(node.name);
    const auto near = nearest(name, known);
    throw_usage(cat("override between: no node is called '", visible(name), "'"), place_of(config),
                near ? cat("did you mean '", visible(*near), "'?") : "`titrate inspect --lowering` lists the nodes");
  }

  // Everything downstream (or upstream) of these nodes, with them.
  std::vector<bool> reached(std::vector<std::size_t> open, bool downstream) const {
    std::vector<bool> seen(graph_.nodes.size(), false);
    while (!open.empty()) {
      const std::size_t index = open.back();
      open.pop_back();
      if (seen[index]) continue;
      seen[index] = true;
      const Node& node = graph_.nodes[index];
      for (const ValueId id : downstream ? node.outputs : node.inputs) {
        if (id == ValueId::none) continue;
        if (downstream) {
          for (const int reader : uses_.readers(id)) open.push_back(static_cast<std::size_t>(reader));
        } else if (uses_.producer(id) >= 0) {
          open.push_back(static_cast<std::size_t>(uses_.producer(id)));
        }
      }
    }
    return seen;
  }

  const Graph& graph_;
  Uses uses_;
  std::unordered_map<std::string, std::size_t> index_of_;
};

}  // namespace

Config resolve_selectors(const Graph& graph, const Config& config) {
  Config resolved = config;
  for (Override& each : resolved.overrides) {
    if (!each.nodes.empty()) continue;  // resolved already, on the graph before it was changed
    if (each.kind == Override::Kind::position) each.nodes = at_position(graph, each.pattern, config);
    if (each.kind == Override::Kind::between) each.nodes = SubgraphFinder(graph).find(parse_subgraph(each.pattern), config);
  }
  return resolved;
}

}  // namespace titrate::engine
