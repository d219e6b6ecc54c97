#include "engine/quant/targets/model_type.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <vector>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"

namespace titrate::engine {
namespace {

template <std::size_t count>
bool is_one_of(const Node& node, const std::array<std::string_view, count>& types) {
  return node.domain.empty() && std::ranges::find(types, node.type) != types.end();
}

const Node* producer(const Graph& graph, const Uses& uses, ValueId value) {
  const int index = uses.producer(value);
  return index < 0 ? nullptr : &graph.nodes[static_cast<std::size_t>(index)];
}

// Moves or casts values on their way to the operator that counts.
constexpr std::array<std::string_view, 10> movements = {"Reshape", "Transpose", "Squeeze", "Unsqueeze", "Concat",
                                                        "Slice",   "Expand",    "Cast",    "Split",     "Dropout"};

// Whether every way from a value leads, through movements alone, to operators of these types; and there is one.
template <std::size_t count>
bool leads_only_to(const Graph& graph, const Uses& uses, ValueId value, const std::array<std::string_view, count>& types) {
  std::vector<ValueId> open = {value};
  std::set<ValueId> seen;
  bool any = false;
  while (!open.empty()) {
    const ValueId id = open.back();
    open.pop_back();
    if (!seen.insert(id).second) continue;
    if (uses.is_output(id)) return false;
    for (const int reader : uses.readers(id)) {
      const Node& node = graph.nodes[static_cast<std::size_t>(reader)];
      if (is_one_of(node, types)) {
        any = true;
      } else if (is_one_of(node, movements)) {
        open.insert(open.end(), node.outputs.begin(), node.outputs.end());
      } else {
        return false;
      }
    }
  }
  return any;
}

bool comes_from(const Graph& graph, const Uses& uses, ValueId value, std::string_view type) {
  for (const Node* node = producer(graph, uses, value); node != nullptr; node = producer(graph, uses, node->inputs[0])) {
    if (node->domain.empty() && node->type == type) return true;
    if (!is_one_of(*node, movements) || node->inputs.empty() || node->inputs[0] == ValueId::none) return false;
  }
  return false;
}

bool is_attention_product(const Graph& graph, const Uses& uses, const Node& node) {
  return std::ranges::any_of(node.inputs, [&](ValueId id) { return id != ValueId::none && comes_from(graph, uses, id, "Softmax"); });
}

// GlobalAveragePool (or ReduceMean) -> layer -> Relu -> layer -> Sigmoid -> Mul: the layers of the gate.
bool is_gate(const Graph& graph, const Uses& uses, const Node& node) {
  constexpr std::array<std::string_view, 2> averages = {"GlobalAveragePool", "ReduceMean"};
  constexpr std::array<std::string_view, 5> between = {"Relu", "Conv", "Gemm", "MatMul", "Add"};
  constexpr std::array<std::string_view, 2> gates = {"Sigmoid", "HardSigmoid"};
  bool averaged = false;
  const Node* before = producer(graph, uses, node.inputs[0]);
  for (int steps = 0; before != nullptr && steps < 8; ++steps) {
    averaged = averaged || is_one_of(*before, averages);
    if (averaged || (!is_one_of(*before, between) && !is_one_of(*before, movements))) break;
    before = before->inputs.empty() || before->inputs[0] == ValueId::none ? nullptr : producer(graph, uses, before->inputs[0]);
  }
  if (!averaged) return false;
  ValueId value = node.outputs[0];
  for (int steps = 0; steps < 8 && !uses.is_output(value) && uses.readers(value).size() == 1; ++steps) {
    const Node& reader = graph.nodes[static_cast<std::size_t>(uses.readers(value)[0])];
    if (is_one_of(reader, gates)) return leads_only_to(graph, uses, reader.outputs[0], std::array<std::string_view, 1>{"Mul"});
    if (!is_one_of(reader, between) && !is_one_of(reader, movements)) return false;
    value = reader.outputs[0];
  }
  return false;
}

}  // namespace

Target for_model_type(Target target, std::string_view model_type) {
  if (model_type == "any") return target;
  if (model_type != "transformer")
    throw_usage(cat("there is no model type '", visible(model_type), "'"), "--model-type", "transformer, or any (the default)");
  // NNCF leaves these float in transformers: their inputs have outliers that one scale does not hold.
  constexpr std::array<std::string_view, 9> left = {"Add",     "Sub", "Mul", "Div", "Max", "AveragePool", "GlobalAveragePool",
                                                    "MaxPool", "Sqrt"};
  for (Pattern& pattern : target.patterns) {
    if (!pattern.weights && std::ranges::find(left, pattern.operators.front()) != left.end()) pattern.placed = false;
  }
  target.leaves_attention_float = true;
  return target;
}

std::optional<std::string> attention_refusal(const Graph& graph, const Uses& uses, const Node& node) {
  if (is_attention_product(graph, uses, node)) return "model type transformer: the product with attention's Softmax stays float";
  constexpr std::array<std::string_view, 2> angles = {"Sin", "Cos"};
  if (leads_only_to(graph, uses, node.outputs[0], angles)) return "model type transformer: the angles of rotary positions stay float";
  if (is_gate(graph, uses, node)) return "model type transformer: the gate of a squeeze-and-excite block stays float";
  return std::nullopt;
}

}  // namespace titrate::engine
