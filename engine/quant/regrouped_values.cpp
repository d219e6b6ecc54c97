#include "engine/quant/regrouped_values.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace titrate::engine {
namespace {

// The inputs whose numbers a node's output holds.
std::vector<ValueId> regrouped_inputs(const Node& node) {
  constexpr std::array<std::string_view, 6> of_first = {"Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze"};
  if (!node.domain.empty() || !node.has_input(0) || !node.has_output(0)) return {};
  if (node.type == "Concat") return node.inputs;
  return std::ranges::find(of_first, node.type) == of_first.end() ? std::vector<ValueId>{} : std::vector{node.inputs[0]};
}

}  // namespace

std::vector<std::vector<ValueId>> regrouped_values(const Graph& graph) {
  std::vector<std::vector<ValueId>> regrouped(graph.values.size());
  std::vector<bool> fed(graph.values.size(), false);
  const auto is_fed = [&](ValueId id) { return id != ValueId::none && fed[static_cast<std::size_t>(id)]; };
  for (const ValueId id : graph.inputs) fed[static_cast<std::size_t>(id)] = true;
  for (const Node& node : graph.nodes) {
    if (std::ranges::none_of(node.inputs, is_fed)) continue;
    for (const ValueId id : node.outputs) {
      if (id != ValueId::none) fed[static_cast<std::size_t>(id)] = true;
    }
    const std::vector<ValueId> inputs = regrouped_inputs(node);
    if (std::ranges::all_of(inputs, is_fed) && !inputs.empty()) regrouped[static_cast<std::size_t>(node.outputs[0])] = inputs;
  }
  return regrouped;
}

}  // namespace titrate::engine
