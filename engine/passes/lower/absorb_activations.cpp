#include "engine/passes/lower/absorb_activations.hpp"

#include <cmath>

#include "engine/passes/activation_bounds.hpp"
#include "engine/passes/lower/quantizer.hpp"

namespace titrate::engine::lowering {

namespace {

bool holds_range(const ActivationBounds& bounds, const Quantizer& quantizer) {
  const auto steps = [&](float bound) {
    return std::nearbyint(static_cast<double>(bound) / static_cast<double>(quantizer.scale_of(0))) + quantizer.zero_point_of(0);
  };
  return steps(bounds.low) <= quantizer.lowest_code() && steps(bounds.high) >= quantizer.highest_code();
}

}  // namespace

std::size_t absorb_activations(Model& model, std::set<std::string>& absorbed) {
  Graph& graph = model.graph;
  const Uses uses(graph);
  std::vector<bool> gone(graph.nodes.size(), false);
  for (std::size_t index = 0; index < graph.nodes.size(); ++index) {
    const Node& node = graph.nodes[index];
    const auto bounds = activation_bounds(graph, node);
    if (!bounds || uses.is_output(node.outputs[0]) || uses.readers(node.outputs[0]).size() != 1) continue;
    Node& reader = graph.nodes[static_cast<std::size_t>(uses.readers(node.outputs[0])[0])];
    if (!is_quantize(reader) || reader.inputs[0] != node.outputs[0]) continue;
    const Checked<Quantizer> quantizer = read_quantizer(graph, reader, DataType::undefined);
    if (!quantizer || !quantizer->per_tensor() || !holds_range(*bounds, *quantizer)) continue;
    reader.inputs[0] = node.inputs[0];
    absorbed.insert(node.name);
    gone[index] = true;
  }
  std::size_t position = 0;
  return std::erase_if(graph.nodes, [&](const Node&) { return gone[position++]; });
}

}  // namespace titrate::engine::lowering
