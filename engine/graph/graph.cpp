#include "engine/graph/graph.hpp"

#include <algorithm>
#include <queue>
#include <unordered_set>
#include <utility>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"

namespace titrate::engine {
namespace {

// The content of an attribute as kind T, or null if the attribute is absent.
template <class T>
const T* content_of(const Node& node, std::string_view name) {
  const Attribute* attribute = node.find(name);
  if (attribute == nullptr) return nullptr;
  const T* content = std::get_if<T>(&attribute->content);
  if (content == nullptr) throw_invalid(cat("the attribute '", visible(name), "' is of the wrong kind"), node.described());
  return content;
}

template <class Visit>
void for_each_subgraph(const Node& node, Visit&& visit) {
  for (const Attribute& attribute : node.attributes) {
    if (const auto* one = std::get_if<std::shared_ptr<const Graph>>(&attribute.content)) visit(**one);
    if (const auto* many = std::get_if<std::vector<std::shared_ptr<const Graph>>>(&attribute.content)) {
      for (const auto& graph : *many) visit(*graph);
    }
  }
}

}  // namespace

const Attribute* Node::find(std::string_view attribute) const {
  const auto found = std::find_if(attributes.begin(), attributes.end(), [&](const Attribute& each) { return each.name == attribute; });
  return found == attributes.end() ? nullptr : &*found;
}

std::int64_t Node::integer(std::string_view attribute, std::int64_t absent) const {
  const auto* content = content_of<std::int64_t>(*this, attribute);
  return content != nullptr ? *content : absent;
}

float Node::number(std::string_view attribute, float absent) const {
  const auto* content = content_of<float>(*this, attribute);
  return content != nullptr ? *content : absent;
}

std::string Node::text(std::string_view attribute, std::string_view absent) const {
  const auto* content = content_of<std::string>(*this, attribute);
  return content != nullptr ? *content : std::string(absent);
}

std::vector<std::int64_t> Node::integers(std::string_view attribute, std::vector<std::int64_t> absent) const {
  const auto* content = content_of<std::vector<std::int64_t>>(*this, attribute);
  return content != nullptr ? *content : std::move(absent);
}

std::vector<float> Node::numbers(std::string_view attribute, std::vector<float> absent) const {
  const auto* content = content_of<std::vector<float>>(*this, attribute);
  return content != nullptr ? *content : std::move(absent);
}

const Tensor* Node::tensor(std::string_view attribute) const { return content_of<Tensor>(*this, attribute); }

std::shared_ptr<const Graph> Node::graph(std::string_view attribute) const {
  const auto* content = content_of<std::shared_ptr<const Graph>>(*this, attribute);
  return content != nullptr ? *content : nullptr;
}

void Node::set(std::string_view attribute, Attribute::Content content) {
  remove(attribute);
  attributes.push_back({.name = std::string(attribute), .content = std::move(content), .extra = {}});
}

void Node::remove(std::string_view attribute) {
  std::erase_if(attributes, [&](const Attribute& each) { return each.name == attribute; });
}

std::string Node::described() const { return cat("node '", visible(name), "' (", visible(type), ")"); }

const Tensor* Graph::constant(ValueId id) const { return id == ValueId::none ? nullptr : (*this)[id].constant.get(); }

const Tensor* Graph::constant_input(const Node& node, std::size_t index) const {
  return node.has_input(index) ? constant(node.inputs[index]) : nullptr;
}

ValueId Graph::add_value(std::string value_name, std::optional<ValueInfo> info) {
  values.push_back({});
  values.back().name = std::move(value_name);
  values.back().info = std::move(info);
  return static_cast<ValueId>(values.size() - 1);
}

ValueId Graph::add_constant(std::string value_name, Tensor tensor) {
  ValueInfo info{.type = tensor.type(), .shape = std::vector<Dimension>{}};
  for (const std::int64_t size : tensor.shape()) info.shape->push_back({.size = size, .symbol = {}});
  const ValueId id = add_value(std::move(value_name), std::move(info));
  (*this)[id].constant = std::make_shared<const Tensor>(std::move(tensor));
  return id;
}

std::optional<ValueId> Graph::find_value(std::string_view wanted) const {
  for (std::size_t index = 0; index < values.size(); ++index) {
    if (values[index].name == wanted) return static_cast<ValueId>(index);
  }
  return std::nullopt;
}

const Node* Graph::find_node(std::string_view wanted) const {
  const auto found = std::find_if(nodes.begin(), nodes.end(), [&](const Node& node) { return node.name == wanted; });
  return found == nodes.end() ? nullptr : &*found;
}

NameSource::NameSource(const Graph& graph) { add(graph); }

void NameSource::add(const Graph& graph) {
  for (const Value& value : graph.values) values_.emplace(value.name, 1);
  for (const Node& node : graph.nodes) {
    nodes_.emplace(node.name, 1);
    // A name of the graph around may not be defined once more inside (onnx/onnx: docs/IR.md, "Name scoping").
    for_each_subgraph(node, [&](const Graph& body) { add(body); });
  }
}

namespace {

std::string take(std::unordered_map<std::string, int>& taken, const std::string& wanted) {
  if (taken.emplace(wanted, 1).second) return wanted;
  while (true) {
    const std::string candidate = cat(wanted, "_", ++taken[wanted]);
    if (taken.emplace(candidate, 1).second) return candidate;
  }
}

}  // namespace

std::string NameSource::value(const std::string& wanted) { return take(values_, wanted); }
std::string NameSource::node(const std::string& wanted) { return take(nodes_, wanted); }

Uses::Uses(const Graph& graph) : producers(graph.values.size(), -1), consumers(graph.values.size()), outputs(graph.values.size(), false) {
  std::unordered_map<std::string_view, std::size_t> index_of;
  for (std::size_t index = 0; index < graph.values.size(); ++index) index_of.emplace(graph.values[index].name, index);
  for (std::size_t index = 0; index < graph.nodes.size(); ++index) {
    const Node& node = graph.nodes[index];
    const auto number = static_cast<int>(index);
    for (const ValueId id : node.outputs) {
      if (id != ValueId::none) producers[static_cast<std::size_t>(id)] = number;
    }
    for (const ValueId id : node.inputs) {
      if (id != ValueId::none) consumers[static_cast<std::size_t>(id)].push_back(number);
    }
    for (const std::string& name : captured_names(node)) {
      if (const auto found = index_of.find(name); found != index_of.end()) consumers[found->second].push_back(number);
    }
  }
  for (const ValueId id : graph.outputs) outputs[static_cast<std::size_t>(id)] = true;
  for (const KeptValue& kept : graph.kept) outputs[static_cast<std::size_t>(kept.value)] = true;
}

std::int64_t Model::opset(std::string_view domain) const {
  const auto same = [&](const OpsetImport& import) { return import.domain == domain || (domain.empty() && import.domain == "ai.onnx"); };
  const auto found = std::find_if(opsets.begin(), opsets.end(), same);
  return found == opsets.end() ? 0 : found->version;
}

void Model::set_opset(std::string_view domain, std::int64_t version) {
  for (OpsetImport& import : opsets) {
    if (import.domain == domain || (domain.empty() && import.domain == "ai.onnx")) {
      import.version = version;
      return;
    }
  }
  opsets.push_back({.domain = std::string(domain), .version = version});
}

void name_nodes(Graph& graph) {
  std::unordered_map<std::string, int> taken;
  for (const Node& node : graph.nodes) {
    if (!node.name.empty()) taken.emplace(node.name, 1);
  }
  std::unordered_set<std::string> seen;
  for (Node& node : graph.nodes) {
    if (!node.name.empty() && seen.insert(node.name).second) continue;
    std::string wanted = node.name;
    if (wanted.empty()) {
      const auto first = std::find_if(node.outputs.begin(), node.outputs.end(), [](ValueId id) { return id != ValueId::none; });
      wanted = first == node.outputs.end() ? node.type : cat(node.type, ":", graph[*first].name);
    }
    node.name = take(taken, wanted);
    seen.insert(node.name);
  }
  for (Node& node : graph.nodes) {
    for (Attribute& attribute : node.attributes) {
      const auto named = [](const std::shared_ptr<const Graph>& body) {
        Graph copy = *body;
        name_nodes(copy);
        return std::make_shared<const Graph>(std::move(copy));
      };
      if (auto* one = std::get_if<std::shared_ptr<const Graph>>(&attribute.content)) *one = named(*one);
      if (auto* many = std::get_if<std::vector<std::shared_ptr<const Graph>>>(&attribute.content)) {
        for (auto& body : *many) body = named(body);
      }
    }
  }
}

namespace {

// For each node, how many of its inputs (and captured values) are made by nodes.
std::vector<int> inputs_from_nodes(const Graph& graph, const Uses& uses) {
  std::vector<int> missing(graph.nodes.size(), 0);
  for (std::size_t index = 0; index < graph.values.size(); ++index) {
    if (uses.producers[index] < 0) continue;
    for (const int reader : uses.consumers[index]) ++missing[static_cast<std::size_t>(reader)];
  }
  return missing;
}

}  // namespace

bool sort_nodes(Graph& graph) {
  const Uses uses(graph);
  std::vector<int> missing = inputs_from_nodes(graph, uses);
  // The smallest index first keeps the given order where it is sound.
  std::priority_queue<int, std::vector<int>, std::greater<>> ready;
  for (std::size_t index = 0; index < missing.size(); ++index) {
    if (missing[index] == 0) ready.push(static_cast<int>(index));
  }
  std::vector<std::size_t> order;
  while (!ready.empty()) {
    const auto index = static_cast<std::size_t>(ready.top());
    ready.pop();
    order.push_back(index);
    for (const ValueId id : graph.nodes[index].outputs) {
      if (id == ValueId::none) continue;
      for (const int reader : uses.readers(id)) {
        if (--missing[static_cast<std::size_t>(reader)] == 0) ready.push(reader);
      }
    }
  }
  if (order.size() < graph.nodes.size()) {
    const auto stuck = std::find_if(missing.begin(), missing.end(), [](int count) { return count > 0; });
    throw_invalid("the graph has a cycle: nodes wait for each other's outputs",
                  graph.nodes[static_cast<std::size_t>(stuck - missing.begin())].described());
  }
  if (std::is_sorted(order.begin(), order.end())) return false;
  std::vector<Node> sorted;
  sorted.reserve(order.size());
  for (const std::size_t index : order) sorted.push_back(std::move(graph.nodes[index]));
  graph.nodes = std::move(sorted);
  return true;
}

void remove_unused(Graph& graph) {
  std::vector<bool> used(graph.values.size(), false);
  const auto mark = [&](ValueId id) {
    if (id != ValueId::none) used[static_cast<std::size_t>(id)] = true;
  };
  for (const ValueId id : graph.outputs) mark(id);
  for (const ValueId id : graph.inputs) mark(id);
  for (const KeptValue& kept : graph.kept) mark(kept.value);
  std::unordered_map<std::string_view, std::size_t> index_of;
  for (std::size_t index = 0; index < graph.values.size(); ++index) index_of.emplace(graph.values[index].name, index);
  std::vector<Node> used_nodes;
  for (auto node = graph.nodes.rbegin(); node != graph.nodes.rend(); ++node) {
    const bool needed = std::any_of(node->outputs.begin(), node->outputs.end(),
                                    [&](ValueId id) { return id != ValueId::none && used[static_cast<std::size_t>(id)]; });
    if (!needed) continue;
    for (const ValueId id : node->inputs) mark(id);
    for (const ValueId id : node->outputs) mark(id);
    for (const std::string& name : captured_names(*node)) {
      if (const auto found = index_of.find(name); found != index_of.end()) used[found->second] = true;
    }
    used_nodes.push_back(std::move(*node));
  }
  std::reverse(used_nodes.begin(), used_nodes.end());
  std::vector<ValueId> renumbered(graph.values.size(), ValueId::none);
  std::vector<Value> values;
  for (std::size_t index = 0; index < graph.values.size(); ++index) {
    if (!used[index]) continue;
    renumbered[index] = static_cast<ValueId>(values.size());
    values.push_back(std::move(graph.values[index]));
  }
  const auto renumber = [&](std::vector<ValueId>& ids) {
    for (ValueId& id : ids) {
      if (id != ValueId::none) id = renumbered[static_cast<std::size_t>(id)];
    }
  };
  for (Node& node : used_nodes) {
    renumber(node.inputs);
    renumber(node.outputs);
  }
  renumber(graph.inputs);
  renumber(graph.outputs);
  for (KeptValue& kept : graph.kept) kept.value = renumbered[static_cast<std::size_t>(kept.value)];
  std::erase_if(graph.outer, [&](ValueId id) { return !used[static_cast<std::size_t>(id)]; });
  renumber(graph.outer);
  graph.nodes = std::move(used_nodes);
  graph.values = std::move(values);
}

std::vector<std::string> captured_names(const Node& node) {
  std::vector<std::string> names;
  for_each_subgraph(node, [&](const Graph& body) {
    for (const ValueId id : body.outer) names.push_back(body[id].name);
  });
  return names;
}

void for_each_constant(const Graph& graph, const std::function<void(const std::string& name, const Tensor&)>& visit) {
  for (const Value& value : graph.values) {
    if (value.constant) visit(value.name, *value.constant);
  }
  for (const Node& node : graph.nodes) {
    if (node.type == "Constant" && node.domain.empty() && node.has_output(0)) {
      if (const Attribute* attribute = node.find("value")) {
        if (const auto* tensor = std::get_if<Tensor>(&attribute->content)) visit(graph[node.outputs[0]].name, *tensor);
      }
    }
    for_each_subgraph(node, [&](const Graph& body) { for_each_constant(body, visit); });
  }
}

void keep_values(Graph& graph, const std::set<std::string>& names) {
  for (std::size_t index = 0; index < graph.values.size(); ++index) {
    const std::string& name = graph.values[index].name;
    if (names.contains(name)) graph.kept.push_back({.name = name, .value = static_cast<ValueId>(index)});
  }
}

namespace {

void verify_names(const Graph& graph) {
  std::unordered_set<std::string_view> names;
  for (const Value& value : graph.values) {
    if (!names.insert(value.name).second) throw_invalid(cat("the value '", visible(value.name), "' is defined twice"));
  }
  names.clear();
  for (const Node& node : graph.nodes) {
    if (node.name.empty()) throw_invalid(cat("a node of type ", visible(node.type), " has no name"));
    if (!names.insert(node.name).second) throw_invalid(cat("two nodes have the name '", visible(node.name), "'"));
  }
}

// Every value is read after it is made, and made once.
class OrderCheck {
 public:
  explicit OrderCheck(const Graph& graph) : graph_(graph), defined_(graph.values.size(), false) {
    for (std::size_t index = 0; index < graph.values.size(); ++index) index_of_.emplace(graph.values[index].name, index);
  }

  void run() {
    for (std::size_t index = 0; index < graph_.values.size(); ++index) {
      if (graph_.values[index].is_initializer()) define(static_cast<ValueId>(index), "initializer");
    }
    for (const ValueId id : graph_.inputs) define(id, "graph input");
    for (const ValueId id : graph_.outer) define(id, "enclosing graph");
    for (const Node& node : graph_.nodes) check(node);
    for (const ValueId id : graph_.outputs) require(id, "graph output");
    for (const KeptValue& kept : graph_.kept) require(kept.value, cat("kept value '", visible(kept.name), "'"));
  }

 private:
  void check(const Node& node) {
    for (const ValueId id : node.inputs) {
      if (id != ValueId::none) require(id, node.described());
    }
    for (const std::string& name : captured_names(node)) {
      const auto found = index_of_.find(name);
      if (found == index_of_.end()) {
        throw_invalid(cat("the value '", visible(name), "' is read in a sub-graph, but no graph around defines it"), node.described());
      }
      require(static_cast<ValueId>(found->second), node.described());
    }
    for (const ValueId id : node.outputs) {
      if (id != ValueId::none) define(id, node.described());
    }
  }

  void check_range(ValueId id, const std::string& by) const {
    if (static_cast<std::size_t>(id) >= defined_.size()) throw_invalid("a value id is out of range", by);
  }

  void define(ValueId id, const std::string& by) {
    check_range(id, by);
    if (defined_[static_cast<std::size_t>(id)]) throw_invalid(cat("the value '", visible(graph_[id].name), "' is defined twice"), by);
    defined_[static_cast<std::size_t>(id)] = true;
  }

  void require(ValueId id, const std::string& by) const {
    check_range(id, by);
    if (!defined_[static_cast<std::size_t>(id)]) {
      throw_invalid(cat("the value '", visible(graph_[id].name), "' is read, but nothing before makes it"), by);
    }
  }

  const Graph& graph_;
  std::vector<bool> defined_;
  std::unordered_map<std::string_view, std::size_t> index_of_;
};

}  // namespace

void verify(const Graph& graph) {
  verify_names(graph);
  OrderCheck(graph).run();
  for (const Node& node : graph.nodes) {
    for_each_subgraph(node, [&](const Graph& body) {
      try {
        verify(body);
      } catch (Error& error) {
        error.in(cat("a sub-graph of ", node.described()));
        throw;
      }
    });
  }
}

}  // namespace titrate::engine
