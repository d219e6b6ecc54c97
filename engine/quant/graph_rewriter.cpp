#include "engine/quant/graph_rewriter.hpp"

#include <algorithm>
#include <utility>

namespace titrate::engine {

GraphRewriter::GraphRewriter(Model model) : model_(std::move(model)), names_(model_.graph) {}

ValueId GraphRewriter::add_value(const std::string& name) { return graph().add_value(names_.value(name)); }

ValueId GraphRewriter::add_constant(const std::string& name, Tensor tensor) {
  return graph().add_constant(names_.value(name), std::move(tensor));
}

std::optional<ValueId> GraphRewriter::equal_constant(const Tensor& tensor) const {
  const auto equals = [&](ValueId id) {
    const Tensor& other = *graph().constant(id);
    return other.type() == tensor.type() && other.shape() == tensor.shape() && std::ranges::equal(other.bytes(), tensor.bytes());
  };
  const auto found = std::ranges::find_if(shareable_, equals);
  return found == shareable_.end() ? std::nullopt : std::optional(*found);
}

ValueId GraphRewriter::add_shareable_constant(const std::string& name, Tensor tensor) {
  return shareable_.emplace_back(add_constant(name, std::move(tensor)));
}

void GraphRewriter::add_node_for(ValueId output, const std::string& type, const std::string& name, std::vector<ValueId> inputs,
                                 std::vector<Attribute> attributes, const std::string& domain) {
  graph().nodes.push_back({.name = names_.node(name),
                           .type = type,
                           .domain = domain,
                           .inputs = std::move(inputs),
                           .outputs = {output},
                           .attributes = std::move(attributes),
                           .extra = {}});
}

ValueId GraphRewriter::add_node(const std::string& type, const std::string& name, std::vector<ValueId> inputs, const std::string& output,
                                std::vector<Attribute> attributes, const std::string& domain) {
  const ValueId id = add_value(output);
  add_node_for(id, type, name, std::move(inputs), std::move(attributes), domain);
  return id;
}

std::vector<ValueId> GraphRewriter::add_node_with(const std::string& type, const std::string& name, std::vector<ValueId> inputs,
                                                  const std::vector<std::string>& outputs) {
  std::vector<ValueId> ids;
  for (const std::string& output : outputs) ids.push_back(add_value(output));
  graph().nodes.push_back(
      {.name = names_.node(name), .type = type, .domain = {}, .inputs = std::move(inputs), .outputs = ids, .attributes = {}, .extra = {}});
  return ids;
}

void GraphRewriter::replace_readers(ValueId value, ValueId replacement, std::size_t nodes) {
  for (std::size_t index = 0; index < nodes; ++index) {
    std::replace(graph().nodes[index].inputs.begin(), graph().nodes[index].inputs.end(), value, replacement);
  }
}

void GraphRewriter::require_opset(std::int64_t opset) { required_opset_ = std::max(required_opset_, opset); }

Model GraphRewriter::finish() {
  sort_nodes(graph());
  remove_unused(graph());
  verify(graph());
  return std::move(model_);
}

}  // namespace titrate::engine
