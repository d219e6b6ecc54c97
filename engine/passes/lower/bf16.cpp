#include "engine/passes/lower/bf16.hpp"

#include "engine/base/text.hpp"
#include "engine/ops/bf16_product.hpp"
#include "engine/passes/lower/checked.hpp"

namespace titrate::engine::lowering {
namespace {

// The input of the Cast to `to` that makes a value, or none.
ValueId before_cast(const Graph& graph, const Uses& uses, ValueId value, DataType to) {
  const int producer = value == ValueId::none ? -1 : uses.producer(value);
  if (producer < 0) return ValueId::none;
  const Node& node = graph.nodes[static_cast<std::size_t>(producer)];
  const bool casts = node.domain.empty() && node.type == "Cast" && node.integer("to", 0) == static_cast<std::int64_t>(to);
  return casts ? node.inputs[0] : ValueId::none;
}

bool takes_bf16(const Node& node) {
  return node.domain.empty() && (node.type == "Conv" || node.type == "MatMul" || node.type == "Gemm") && node.has_input(1);
}

// The stored weights behind a Cast to float32, or none.
ValueId stored_weights(const Graph& graph, const Uses& uses, const Node& node) {
  const ValueId stored = before_cast(graph, uses, node.inputs[1], DataType::float32);
  const Tensor* weights = graph.constant(stored);
  return weights != nullptr && weights->type() == DataType::bfloat16 ? stored : ValueId::none;
}

Refusal refuse_gemm(const Graph& graph, const Node& node, const Shape& weights) {
  if (node.number("alpha", 1.0F) != 1.0F || node.number("beta", 1.0F) != 1.0F) return "its alpha or beta is not 1";
  if (!node.has_input(2)) return std::nullopt;
  const Tensor* addend = graph.constant(node.inputs[2]);
  const std::int64_t columns = weights[node.integer("transB", 0) != 0 ? 0 : 1];
  const bool row =
      addend != nullptr && addend->type() == DataType::float32 && addend->elements() == columns && addend->shape().back() == columns;
  return row ? std::nullopt : Refusal("its C is not one constant number a column");
}

Refusal refuse_shape(const Graph& graph, const Node& node, const Tensor& weights) {
  if (weights.elements() == 0) return "its weights are empty";
  if (node.type == "Conv") {
    if (weights.rank() < 3) return "its weights have no window";
    if (weights.shape()[1] == 1 && node.integer("group", 1) > 1) return "a depthwise convolution: it multiplies single numbers";
    return std::nullopt;
  }
  if (weights.rank() != 2) return "its weights are no matrix";
  return node.type == "Gemm" ? refuse_gemm(graph, node, weights.shape()) : std::nullopt;
}

// The value that is rounded, or why it is none that the operator rounds.
Checked<ValueId> rounded_value(const Graph& graph, const Uses& uses, const Node& node, const std::vector<ValueInfo>& types) {
  const ValueId narrow = before_cast(graph, uses, node.inputs[0], DataType::float32);
  const ValueId value = before_cast(graph, uses, narrow, DataType::bfloat16);
  if (value == ValueId::none) return Failed{"weights only: its activations are float32"};
  const auto index = static_cast<std::size_t>(value);
  if (index >= types.size() || types[index].type != DataType::float32) return Failed{"what is rounded is not float32"};
  return value;
}

}  // namespace

std::map<std::string, Bf16Outcome> lower_bf16(Model& model, const std::vector<ValueInfo>& types, bool native) {
  std::map<std::string, Bf16Outcome> outcomes;
  Graph& graph = model.graph;
  const Uses uses(graph);
  bool any = false;
  for (Node& node : graph.nodes) {
    if (!takes_bf16(node)) continue;
    const ValueId weights = stored_weights(graph, uses, node);
    if (weights == ValueId::none) continue;
    Bf16Outcome& outcome = outcomes[node.name];
    const Checked<ValueId> input = rounded_value(graph, uses, node, types);
    const Refusal refusal = input ? refuse_shape(graph, node, *graph.constant(weights)) : Refusal(input.why());
    if (refusal || !native) {
      outcome.reason = cat("computes in float32: ", refusal.value_or("this processor has no bf16 instructions"));
      continue;
    }
    outcome.computes = any = true;
    node.domain = ops::bf16_domain;
    node.inputs[0] = *input;
    node.inputs[1] = weights;
  }
  if (any) model.set_opset(ops::bf16_domain, 1);
  return outcomes;
}

}  // namespace titrate::engine::lowering
