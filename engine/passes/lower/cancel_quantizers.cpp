#include "engine/passes/lower/cancel_quantizers.hpp"

#include <algorithm>
#include <cmath>

#include "engine/passes/lower/quantizer.hpp"

namespace titrate::engine::lowering {

std::size_t cancel_quantizers(Model& model) {
  Graph& graph = model.graph;
  const Uses uses(graph);
  std::size_t count = 0;
  for (Node& node : graph.nodes) {
    if (!is_quantize(node) || uses.is_output(node.outputs[0])) continue;
    const int producer = uses.producer(node.inputs[0]);
    if (producer < 0) continue;
    const Node& dequantize = graph.nodes[static_cast<std::size_t>(producer)];
    if (!is_dequantize(dequantize)) continue;
    const Checked<Quantizer> out = read_quantizer(graph, node, DataType::undefined);
    const Checked<Quantizer> in = out ? read_quantizer(graph, dequantize, out->type) : out;
    if (!in || !in->per_tensor() || bits_of(in->type) > 16 || !in->same_parameters(*out)) continue;
    if (!(std::isnormal(in->scale_of(0)) && in->scale_of(0) > 0)) continue;
    const ValueId codes = dequantize.inputs[0];
    for (const int reader : uses.readers(node.outputs[0])) {
      Node& other = graph.nodes[static_cast<std::size_t>(reader)];
      std::replace(other.inputs.begin(), other.inputs.end(), node.outputs[0], codes);
    }
    ++count;
  }
  return count;
}

}  // namespace titrate::engine::lowering
