#include "engine/passes/fold_pads.hpp"

#include <algorithm>
#include <optional>
#include <vector>

#include "engine/passes/graph_edits.hpp"
#include "engine/passes/subgraphs.hpp"

namespace titrate::engine {
namespace {

using Sizes = std::vector<std::int64_t>;

bool in_default_domain(const Node& node) { return node.domain.empty() || node.domain == "ai.onnx"; }

bool pads_with_zero(const Graph& graph, const Node& pad, std::int64_t opset) {
  if (pad.text("mode", "constant") != "constant") return false;
  if (opset < 11) return pad.number("value", 0) == 0.0F;
  if (!pad.has_input(2)) return true;
  const Tensor* value = graph.constant_input(pad, 2);
  return value != nullptr && is_float(value->type()) && value->elements() == 1 && to_doubles(*value)[0] == 0;
}

// Sizes for all axes: the beginnings, then the ends. Nothing if they are unknown.
std::optional<Sizes> pad_sizes(const Graph& graph, const Node& pad, std::int64_t opset, std::size_t rank) {
  if (opset < 11) return pad.integers("pads");
  const Tensor* stored = graph.constant_input(pad, 1);
  if (stored == nullptr || stored->type() != DataType::int64) return std::nullopt;
  const Sizes given = to_integers(*stored);
  if (!pad.has_input(3)) return given;
  const Tensor* stored_axes = graph.constant_input(pad, 3);
  if (stored_axes == nullptr) return std::nullopt;
  const Sizes axes = to_integers(*stored_axes);
  if (given.size() != 2 * axes.size()) return std::nullopt;
  Sizes sizes(2 * rank, 0);
  for (std::size_t index = 0; index < axes.size(); ++index) {
    const std::int64_t axis = axes[index] < 0 ? axes[index] + static_cast<std::int64_t>(rank) : axes[index];
    if (axis < 0 || axis >= static_cast<std::int64_t>(rank)) return std::nullopt;
    sizes[static_cast<std::size_t>(axis)] = given[index];
    sizes[static_cast<std::size_t>(axis) + rank] = given[axes.size() + index];
  }
  return sizes;
}

// The convolution's padding with the node's added, or nothing if it cannot take it.
std::optional<Sizes> joint_padding(const Graph& graph, const Node& pad, const Node& conv, std::int64_t opset) {
  const Tensor* weight = graph.constant_input(conv, 1);
  if (weight == nullptr || weight->rank() < 3 || !pads_with_zero(graph, pad, opset)) return std::nullopt;
  const std::string automatic = conv.text("auto_pad", "NOTSET");
  if (automatic != "NOTSET" && automatic != "VALID") return std::nullopt;
  const auto rank = static_cast<std::size_t>(weight->rank());
  const std::size_t spatial = rank - 2;
  const std::optional<Sizes> added = pad_sizes(graph, pad, opset, rank);
  if (!added || added->size() != 2 * rank) return std::nullopt;
  // More than this is no padding that anybody wants, and sums stay far from the end of 64 bits.
  constexpr std::int64_t most = std::int64_t{1} << 30;
  if (!std::all_of(added->begin(), added->end(), [](std::int64_t size) { return size >= 0 && size < most; })) return std::nullopt;
  const bool touches_channels = (*added)[0] != 0 || (*added)[1] != 0 || (*added)[rank] != 0 || (*added)[rank + 1] != 0;
  if (touches_channels) return std::nullopt;
  Sizes padding = automatic == "VALID" ? Sizes{} : conv.integers("pads");
  if (padding.empty()) padding.assign(2 * spatial, 0);
  if (padding.size() != 2 * spatial) return std::nullopt;
  for (std::size_t axis = 0; axis < spatial; ++axis) {
    padding[axis] += (*added)[axis + 2];
    padding[axis + spatial] += (*added)[axis + 2 + rank];
  }
  return padding;
}

std::size_t fold(Graph& graph, std::int64_t opset) {
  const Uses uses(graph);
  std::vector<bool> gone(graph.nodes.size(), false);
  std::size_t count = 0;
  for (std::size_t index = 0; index < graph.nodes.size(); ++index) {
    const Node& pad = graph.nodes[index];
    if (pad.type != "Pad" || !in_default_domain(pad) || !pad.has_input(0) || !pad.has_output(0)) continue;
    const std::optional<std::size_t> reader = only_reader(uses, pad.outputs[0]);
    if (!reader) continue;
    Node& conv = graph.nodes[*reader];
    if (conv.type != "Conv" || !in_default_domain(conv) || !conv.has_input(0) || conv.inputs[0] != pad.outputs[0]) continue;
    const std::optional<Sizes> padding = joint_padding(graph, pad, conv, opset);
    if (!padding) continue;
    conv.inputs[0] = pad.inputs[0];
    conv.remove("auto_pad");
    conv.set("pads", *padding);
    gone[index] = true;
    ++count;
  }
  std::size_t position = 0;
  std::erase_if(graph.nodes, [&](const Node&) { return gone[position++]; });
  return count;
}

}  // namespace

std::size_t fold_pads(Model& model) {
  return rewrite_every_graph(model.graph, [&](Graph& graph) { return fold(graph, model.opset()); });
}

}  // namespace titrate::engine
