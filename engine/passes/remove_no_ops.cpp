#include "engine/passes/remove_no_ops.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>

#include "engine/passes/graph_edits.hpp"
#include "engine/passes/infer_shapes.hpp"
#include "engine/passes/subgraphs.hpp"

namespace titrate::engine {
namespace {

bool is_any_of(const std::string& type, std::initializer_list<std::string_view> types) {
  return std::find(types.begin(), types.end(), type) != types.end();
}

// One unknown size is the same on both sides if all others are: these operators keep the number of elements.
bool same_shape(const ValueInfo& input, const ValueInfo& output) {
  if (!input.shape || !output.shape || input.shape->size() != output.shape->size()) return false;
  int unknown = 0;
  bool empty = false;
  for (std::size_t axis = 0; axis < input.shape->size(); ++axis) {
    const std::int64_t size = (*input.shape)[axis].size;
    if (size != (*output.shape)[axis].size) return false;
    if (size < 0) ++unknown;
    if (size == 0) empty = true;
  }
  return unknown == 0 || (unknown == 1 && !empty);
}

bool keeps_axes(const Node& node) {
  const std::vector<std::int64_t> order = node.integers("perm");
  for (std::size_t axis = 0; axis < order.size(); ++axis) {
    if (order[axis] != static_cast<std::int64_t>(axis)) return false;
  }
  return !order.empty();
}

bool all_zero(const std::vector<std::int64_t>& numbers) {
  return std::all_of(numbers.begin(), numbers.end(), [](std::int64_t number) { return number == 0; });
}

class Remover {
 public:
  Remover(Graph& graph, const std::vector<KnownValue>& known, std::int64_t opset)
      : graph_(graph), known_(known), opset_(opset), uses_(graph) {
    for (const Node& node : graph.nodes) {
      for (const std::string& name : captured_names(node)) captured_.insert(name);
    }
  }

  std::size_t run() {
    std::vector<Node> nodes = std::exchange(graph_.nodes, {});
    std::size_t count = 0;
    for (Node& node : nodes) {
      for (ValueId& id : node.inputs) id = current(id);
      if (hands_on(node) && bypass(node)) {
        ++count;
      } else {
        graph_.nodes.push_back(std::move(node));
      }
    }
    for (KeptValue& kept : graph_.kept) kept.value = current(kept.value);
    return count;
  }

 private:
  [[nodiscard]] ValueId current(ValueId id) const {
    const auto found = replaced_.find(id);
    return found == replaced_.end() ? id : found->second;
  }

  [[nodiscard]] const KnownValue& known(ValueId id) const { return known_[static_cast<std::size_t>(id)]; }
  [[nodiscard]] bool is_read(const Node& node, std::size_t output) const {
    return node.has_output(output) && (!uses_.readers(node.outputs[output]).empty() || uses_.is_output(node.outputs[output]));
  }

  [[nodiscard]] bool hands_on(const Node& node) const {
    if (!(node.domain.empty() || node.domain == "ai.onnx") || !node.has_input(0) || !node.has_output(0)) return false;
    if (node.type == "Identity") return true;
    if (node.type == "Dropout") return drops_nothing(node);
    if (node.type == "Cast") return static_cast<std::int64_t>(known(node.inputs[0]).info.type) == node.integer("to", 0);
    if (node.type == "Transpose") return keeps_axes(node);
    if (node.type == "Pad") return pads_nothing(node);
    if (is_any_of(node.type, {"Reshape", "Flatten"})) return same_shape(known(node.inputs[0]).info, known(node.outputs[0]).info);
    return is_any_of(node.type, {"Concat", "Sum", "Mean", "Max", "Min"}) && node.inputs.size() == 1;
  }

  // Before opset 12 the mode is that of the run, from then on it is an input.
  [[nodiscard]] bool drops_nothing(const Node& node) const {
    if (opset_ < 7 || is_read(node, 1)) return false;
    if (!node.has_input(2)) return true;
    const Tensor* training = known(node.inputs[2]).value();
    return training != nullptr && training->type() == DataType::boolean && training->elements() == 1 && to_doubles(*training)[0] == 0;
  }

  [[nodiscard]] bool pads_nothing(const Node& node) const {
    if (opset_ < 11) return node.find("pads") != nullptr && all_zero(node.integers("pads"));
    const Tensor* pads = node.has_input(1) ? known(node.inputs[1]).value() : nullptr;
    return pads != nullptr && pads->type() == DataType::int64 && all_zero(to_integers(*pads));
  }

  bool bypass(const Node& node) {
    const ValueId from = node.inputs[0];
    const ValueId to = node.outputs[0];
    if (captured_.contains(graph_[to].name)) return false;
    if (!is_graph_output(graph_, to)) {
      if (!graph_[from].info) graph_[from].info = graph_[to].info;
      replaced_[to] = from;
      return true;
    }
    return make_output(from, to);
  }

  // The node that makes `from` makes the output `to` instead.
  bool make_output(ValueId from, ValueId to) {
    if (captured_.contains(graph_[from].name) || is_graph_output(graph_, from)) return false;
    for (Node& producer : graph_.nodes) {
      const auto output = std::find(producer.outputs.begin(), producer.outputs.end(), from);
      if (output == producer.outputs.end()) continue;
      *output = to;
      for (Node& node : graph_.nodes) std::replace(node.inputs.begin(), node.inputs.end(), from, to);
      for (auto& [old, now] : replaced_) {
        if (now == from) now = to;
      }
      replaced_[from] = to;
      return true;
    }
    return false;
  }

  Graph& graph_;
  const std::vector<KnownValue>& known_;
  std::int64_t opset_;
  Uses uses_;  // of the graph as it was
  std::unordered_set<std::string> captured_;
  std::unordered_map<ValueId, ValueId> replaced_;
};

std::size_t remove(Graph& graph, const Graph& original, const Inference& inference, std::int64_t opset) {
  std::size_t count = 0;
  rewrite_bodies(graph, [&](Graph& body, const Graph& from) {
    const std::size_t inside = remove(body, from, inference, opset);
    count += inside;
    return inside > 0;
  });
  return count + Remover(graph, inference.of(original), opset).run();
}

}  // namespace

std::size_t remove_no_ops(Model& model) {
  const Model original = model;
  return remove(model.graph, original.graph, infer_values(original), model.opset());
}

}  // namespace titrate::engine
