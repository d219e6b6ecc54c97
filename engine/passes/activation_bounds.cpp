#include "engine/passes/activation_bounds.hpp"

#include <limits>
#include <string_view>

namespace titrate::engine {
namespace {

// An input from opset 11 on, an attribute before.
std::optional<float> bound(const Graph& graph, const Node& node, std::size_t index, std::string_view attribute, float absent) {
  if (!node.has_input(index)) return node.number(attribute, absent);
  const Tensor* value = graph.constant_input(node, index);
  if (value == nullptr || value->type() != DataType::float32 || value->elements() != 1) return std::nullopt;
  return value->data<float>()[0];
}

}  // namespace

std::optional<ActivationBounds> activation_bounds(const Graph& graph, const Node& node) {
  constexpr float largest = std::numeric_limits<float>::max();
  if (!node.domain.empty()) return std::nullopt;
  if (node.type == "Relu") return ActivationBounds{0, largest};
  if (node.type != "Clip" || node.inputs.empty()) return std::nullopt;
  const auto low = bound(graph, node, 1, "min", -largest);
  const auto high = bound(graph, node, 2, "max", largest);
  if (!low || !high || *low > 0 || *high < 0) return std::nullopt;
  return ActivationBounds{*low, *high};
}

}  // namespace titrate::engine
