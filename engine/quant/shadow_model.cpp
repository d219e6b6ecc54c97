#include "engine/quant/shadow_model.hpp"

#include <map>
#include <unordered_map>
#include <unordered_set>

namespace titrate::engine {
namespace {

class ShadowBuilder {
 public:
  ShadowBuilder(const Model& prepared, const Conversion& conversion)
      : prepared_(prepared), candidate_(conversion.model.graph), uses_(candidate_) {
    const Graph& graph = prepared.graph;
    for (std::size_t index = 0; index < graph.values.size(); ++index) {
      if (!graph.values[index].constant) float_values_.emplace(graph.values[index].name, static_cast<ValueId>(index));
    }
    shadow_.model.ir_version = conversion.model.ir_version;
    shadow_.model.opsets = conversion.model.opsets;
    for (std::size_t index = 0; index < conversion.decisions.size(); ++index) {
      if (conversion.decisions[index].scheme != "float") add_target(prepared.graph, conversion.decisions[index].name, index);
    }
  }

  ShadowModel build() {
    sort_nodes(shadow_.model.graph);
    verify(shadow_.model.graph);
    return std::move(shadow_);
  }

 private:
  // The value of the candidate that corresponds to the node's output in the float graph. A node that runs in several pieces, or whose
  // output is quantized as a graph output, is met at the float node's own output.
  std::optional<ValueId> output_of(const Graph& float_graph, const std::string& node_name) const {
    const Node* node = candidate_.find_node(node_name);
    if (node != nullptr && float_values_.contains(candidate_[node->outputs[0]].name)) return node->outputs[0];
    const Node* original = float_graph.find_node(node_name);
    return original == nullptr ? std::nullopt : candidate_.find_value(float_graph[original->outputs[0]].name);
  }

  void add_target(const Graph& float_graph, const std::string& node_name, std::size_t decision) {
    const auto output = output_of(float_graph, node_name);
    if (!output || uses_.producer(*output) < 0) return;
    target_ = *output;
    Graph& graph = shadow_.model.graph;
    const ValueId own = copy_node(static_cast<std::size_t>(uses_.producer(*output)), *output);
    graph.outputs.push_back(own);
    shadow_.outputs.push_back(candidate_[*output].name);
    shadow_.decision_of.push_back(decision);
  }

  // The value in the shadow graph: a constant, a value of the float model that is fed, or computed by copied nodes.
  ValueId copy_value(ValueId id) {
    if (id == ValueId::none) return id;
    if (const auto known = copied_.find(id); known != copied_.end()) return known->second;
    Graph& graph = shadow_.model.graph;
    const Value& value = candidate_[id];
    ValueId copy = ValueId::none;
    if (value.constant) {
      copy = graph.add_constant(value.name, *value.constant);
    } else if (id != target_ && float_values_.contains(value.name)) {
      copy = graph.add_value(value.name, prepared_.graph[float_values_.at(value.name)].info);
      graph.inputs.push_back(copy);
      shadow_.inputs.push_back(value.name);
    } else {
      return copy_node(static_cast<std::size_t>(uses_.producer(id)), id);
    }
    copied_.emplace(id, copy);
    return copy;
  }

  // Copies the node that makes a value with all that it needs; returns the value's copy.
  ValueId copy_node(std::size_t index, ValueId wanted) {
    Node node = candidate_.nodes[index];
    for (ValueId& input : node.inputs) input = copy_value(input);
    ValueId result = ValueId::none;
    for (ValueId& output : node.outputs) {
      if (output == ValueId::none) continue;
      const bool own = output == target_;
      const ValueId copy = shadow_.model.graph.add_value(candidate_[output].name + (own ? "#own" : ""));
      // Others read this output as the float model has it.
      if (!own) copied_.emplace(output, copy);
      if (output == wanted) result = copy;
      output = copy;
    }
    shadow_.model.graph.nodes.push_back(std::move(node));
    return result;
  }

  const Model& prepared_;
  const Graph& candidate_;
  Uses uses_;
  std::unordered_map<std::string, ValueId> float_values_;
  std::map<ValueId, ValueId> copied_;
  ValueId target_ = ValueId::none;
  ShadowModel shadow_;
};

}  // namespace

ShadowModel build_shadow_model(const Model& prepared, const Conversion& conversion) { return ShadowBuilder(prepared, conversion).build(); }

}  // namespace titrate::engine
