#include "engine/quant/integer_rules.hpp"

#include <algorithm>
#include <array>

namespace titrate::engine {
namespace {

struct Row {
  std::string_view type;
  IntegerRule rule;
};

constexpr std::array rows = {
    Row{"Add", IntegerRule::free_scales},         Row{"Mul", IntegerRule::free_scales},
    Row{"AveragePool", IntegerRule::free_scales}, Row{"GlobalAveragePool", IntegerRule::free_scales},
    Row{"LeakyRelu", IntegerRule::free_scales},   Row{"Sigmoid", IntegerRule::free_scales},
    Row{"Concat", IntegerRule::concat},           Row{"MaxPool", IntegerRule::pass_through},
    Row{"Reshape", IntegerRule::pass_through},    Row{"Transpose", IntegerRule::pass_through},
    Row{"Flatten", IntegerRule::pass_through},    Row{"Squeeze", IntegerRule::pass_through},
    Row{"Unsqueeze", IntegerRule::pass_through},  Row{"Slice", IntegerRule::pass_through},
    Row{"Split", IntegerRule::pass_through},      Row{"Expand", IntegerRule::pass_through},
    Row{"Tile", IntegerRule::pass_through},       Row{"DepthToSpace", IntegerRule::pass_through},
    Row{"Resize", IntegerRule::pass_through},
};

}  // namespace

std::optional<IntegerRule> integer_rule(const Graph& graph, const Node& node) {
  const auto row = std::find_if(rows.begin(), rows.end(), [&](const Row& each) { return each.type == node.type; });
  if (!node.domain.empty() || row == rows.end()) return std::nullopt;
  // Only nearest neighbours move values without computing new ones.
  if (node.type == "Resize" && node.text("mode", "nearest") != "nearest") return std::nullopt;
  if (node.type == "MaxPool" && node.outputs.size() > 1) return std::nullopt;
  if (node.type == "Concat" && node.inputs.size() < 2) return std::nullopt;
  // A constant operand would need a quantized initializer of its own.
  const auto constant = [&](ValueId id) { return graph.constant(id) != nullptr; };
  const std::vector<ValueId> inputs = data_inputs(node);
  if (std::any_of(inputs.begin(), inputs.end(), constant)) return std::nullopt;
  return row->rule;
}

std::vector<ValueId> data_inputs(const Node& node) {
  const bool many = node.type == "Add" || node.type == "Mul" || node.type == "Concat";
  return many ? node.inputs
              : std::vector<ValueId>(node.inputs.begin(), node.inputs.begin() + std::min<std::ptrdiff_t>(1, std::ssize(node.inputs)));
}

}  // namespace titrate::engine
