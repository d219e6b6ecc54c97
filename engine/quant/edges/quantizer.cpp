#include "engine/quant/edges/quantizer.hpp"

#include <algorithm>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"
#include "engine/graph/graph.hpp"
#include "engine/quant/edges/edge_text.hpp"

namespace titrate {
namespace {

ValueDescription described(const engine::Graph& graph, engine::ValueId id) {
  if (id == engine::ValueId::none) return {};
  ValueDescription value{.name = graph[id].name, .constant = graph.constant(id) != nullptr, .has_shape = false, .shape = {}};
  if (value.constant) {
    value.has_shape = true;
    value.shape = graph.constant(id)->shape();
  } else if (graph[id].info && graph[id].info->shape) {
    value.has_shape = true;
    for (const engine::Dimension& dimension : *graph[id].info->shape) value.shape.push_back(dimension.size);
  }
  return value;
}

}  // namespace

GraphDescription::GraphDescription(const engine::Graph& graph) : graph_(&graph) {
  for (const engine::Node& node : graph.nodes) {
    NodeDescription description{.name = node.name, .type = node.type, .inputs = {}, .outputs = {}};
    for (const engine::ValueId id : node.inputs) description.inputs.push_back(described(graph, id));
    for (const engine::ValueId id : node.outputs) description.outputs.push_back(described(graph, id));
    nodes_.push_back(std::move(description));
  }
}

const NodeDescription* GraphDescription::find(std::string_view node) const {
  const auto found = std::ranges::find(nodes_, node, &NodeDescription::name);
  return found == nodes_.end() ? nullptr : &*found;
}

void Annotations::annotate(const Edge& edge, EdgeSpec spec) {
  if (const Annotation* known = find(edge)) {
    throw_usage(
        cat("the quantizer '", visible(quantizer_), "' annotates ", edge_text(edge), ", which '", visible(known->by), "' annotated before"),
        {}, "leave it as it is, or overwrite() it");
  }
  overwrite(edge, std::move(spec));
}

void Annotations::overwrite(const Edge& edge, EdgeSpec spec) {
  all_.insert_or_assign(edge, Annotation{.spec = std::move(spec), .by = quantizer_});
  first_turn_.try_emplace(edge.node, turn_);
}

void Annotations::leave_float(const NodeDescription& node) {
  const auto leave = [&](const Edge& edge) {
    if (find(edge) == nullptr) overwrite(edge, FloatSpec{});
  };
  for (std::size_t index = 0; index < node.inputs.size(); ++index) leave(input_of(node.name, index));
  for (std::size_t index = 0; index < node.outputs.size(); ++index) leave(output_of(node.name, index));
}

const Annotation* Annotations::find(const Edge& edge) const {
  const auto found = all_.find(edge);
  return found == all_.end() ? nullptr : &found->second;
}

bool Annotations::taken_before(std::string_view node) const {
  const auto found = first_turn_.find(node);
  return found != first_turn_.end() && found->second != turn_;
}

void Annotations::begin(const std::string& quantizer) {
  quantizer_ = quantizer;
  ++turn_;
}

}  // namespace titrate
