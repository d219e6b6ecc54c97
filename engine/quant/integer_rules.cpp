#include "engine/quant/integer_rules.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "engine/quant/targets/read_target.hpp"

namespace titrate::engine {
namespace {

IntegerRule rule_of(Sharing sharing) {
  switch (sharing) {
    case Sharing::own:
      return IntegerRule::free_scales;
    case Sharing::equal_better:
      return IntegerRule::concat;
    case Sharing::equal:
      return IntegerRule::pass_through;
  }
  return IntegerRule::free_scales;
}

}  // namespace

std::optional<IntegerRule> integer_rule(const Target& target, const Graph& graph, const Node& node) {
  const Pattern* pattern = node.domain.empty() ? target.integer_pattern(node.type) : nullptr;
  if (pattern == nullptr || pattern->weights || !pattern->placed) return std::nullopt;
  // Only nearest neighbours move values without computing new ones.
  if (node.type == "Resize" && node.text("mode", "nearest") != "nearest") return std::nullopt;
  if (node.type == "MaxPool" && node.outputs.size() > 1) return std::nullopt;
  if (node.type == "Concat" && node.inputs.size() < 2) return std::nullopt;
  // A constant operand would need a quantized initializer of its own.
  const auto constant = [&](ValueId id) { return graph.constant(id) != nullptr; };
  const std::vector<ValueId> inputs = data_inputs(node);
  if (std::any_of(inputs.begin(), inputs.end(), constant)) return std::nullopt;
  return rule_of(pattern->sharing);
}

std::optional<IntegerRule> integer_rule(const Graph& graph, const Node& node) { return integer_rule(default_target(), graph, node); }

std::vector<ValueId> data_inputs(const Node& node) {
  constexpr std::array<std::string_view, 8> many = {"Add", "Mul", "Sub", "Div", "Max", "Min", "Sum", "Concat"};
  return std::ranges::find(many, node.type) != many.end()
             ? node.inputs
             : std::vector<ValueId>(node.inputs.begin(), node.inputs.begin() + std::min<std::ptrdiff_t>(1, std::ssize(node.inputs)));
}

}  // namespace titrate::engine
