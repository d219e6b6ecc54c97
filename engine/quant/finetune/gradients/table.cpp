#include <algorithm>
#include <vector>

#include "engine/quant/finetune/gradients/gradient_rule.hpp"

namespace titrate::engine {
namespace {

std::vector<GradientRule> all_rules() {
  std::vector<GradientRule> rules;
  for (const auto family : {linear_gradients(), arithmetic_gradients(), activation_gradients(), normalization_gradients(),
                            shape_gradients(), pooling_gradients(), selection_gradients(), rounding_gradients()})
    rules.insert(rules.end(), family.begin(), family.end());
  return rules;
}

}  // namespace

std::span<const GradientRule> gradient_rules() {
  static const std::vector<GradientRule> rules = all_rules();
  return rules;
}

const GradientRule* gradient_rule_of(const Graph& graph, const KnownShapes& shapes, const Node& node) {
  if (!node.domain.empty()) return nullptr;
  const auto rules = gradient_rules();
  const auto found = std::ranges::find(rules, node.type, &GradientRule::type);
  if (found == rules.end()) return nullptr;
  return found->serves == nullptr || found->serves(graph, shapes, node) ? &*found : nullptr;
}

}  // namespace titrate::engine
