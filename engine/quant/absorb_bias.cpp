#include "engine/quant/absorb_bias.hpp"

#include <optional>

#include "engine/quant/assignment.hpp"

namespace titrate::engine {
namespace {

bool is_matrix(const Graph& graph, ValueId id) { return graph[id].info && graph[id].info->shape && graph[id].info->shape->size() == 2; }

// The constant that the Add brings, as one number a channel: [N], [1, N], or a single one for all.
std::optional<Tensor> bias_of(const Graph& graph, const Node& add, ValueId product, std::int64_t channels) {
  if (add.type != "Add" || !add.domain.empty() || add.inputs.size() != 2) return std::nullopt;
  const ValueId other = add.inputs[0] == product ? add.inputs[1] : add.inputs[0];
  const Tensor* bias = graph.constant(other);
  if (bias == nullptr || bias->type() != DataType::float32 || bias->rank() > 2) return std::nullopt;
  if (bias->elements() == 1)
    return Tensor::of<float>({channels}, std::vector<float>(static_cast<std::size_t>(channels), bias->data<float>()[0]));
  if (bias->elements() != channels) return std::nullopt;
  const bool vector = bias->rank() == 1 || bias->shape()[0] == 1;
  return vector ? std::optional(bias->reshaped({channels})) : std::nullopt;
}

}  // namespace

void absorb_bias(Model& model, const Config& config, const Target& target) {
  if (const Pattern* gemm = target.integer_pattern("Gemm"); gemm == nullptr || !gemm->weights) return;
  Graph& graph = model.graph;
  const Uses uses(graph);
  NameSource names(graph);
  bool changed = false;
  for (const Assignment& assignment : assign(graph, config, target)) {
    const Node node = graph.nodes[assignment.node];
    if (node.type != "MatMul" || !std::holds_alternative<StaticInt8Scheme>(assignment.scheme)) continue;
    const ValueId product = node.outputs[0];
    if (!is_matrix(graph, node.inputs[0]) || uses.is_output(product) || uses.readers(product).size() != 1) continue;
    const auto reader = static_cast<std::size_t>(uses.readers(product)[0]);
    const std::int64_t channels = graph.constant_input(node, 1)->shape()[1];
    const auto bias = bias_of(graph, graph.nodes[reader], product, channels);
    if (!bias) continue;
    const ValueId bias_value = graph.add_constant(names.value(node.name + "_bias"), *bias);
    Node& gemm = graph.nodes[assignment.node];
    gemm.type = "Gemm";
    gemm.inputs.push_back(bias_value);
    gemm.outputs = graph.nodes[reader].outputs;
    // Nobody reads what the Add makes now: it is removed with the unused nodes.
    graph.nodes[reader].outputs = {graph.add_value(names.value(node.name + "_unused"))};
    changed = true;
  }
  if (!changed) return;
  sort_nodes(graph);
  remove_unused(graph);
}

}  // namespace titrate::engine
