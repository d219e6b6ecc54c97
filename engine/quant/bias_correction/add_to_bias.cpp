#include "engine/quant/bias_correction/add_to_bias.hpp"

#include <algorithm>
#include <vector>

namespace titrate::engine {
namespace {

Tensor vector_of(std::span<const float> numbers) { return Tensor::of<float>({std::ssize(numbers)}, numbers); }

// A bias of one number, of one for each channel, or of whole rows of them, plus the shift.
std::optional<Tensor> shifted(const Tensor& bias, std::span<const float> shift, float factor) {
  if (bias.type() != DataType::float32) return std::nullopt;
  const auto source = bias.data<float>();
  const auto channels = shift.size();
  const bool last_axis = bias.elements() == 1 || (bias.rank() > 0 && bias.shape().back() == std::ssize(shift));
  if (!last_axis) return std::nullopt;
  std::vector<float> elements(std::max(source.size(), channels));
  for (std::size_t index = 0; index < elements.size(); ++index)
    elements[index] = source[source.size() == 1 ? 0 : index] + shift[index % channels] * factor;
  return source.size() == 1 ? vector_of(elements) : Tensor::of<float>(bias.shape(), elements);
}

class BiasWriter {
 public:
  BiasWriter(Graph& graph, std::span<const float> shift) : graph_(graph), names_(graph), shift_(shift) {}

  std::optional<std::string> write(std::size_t index) {
    const Node& node = graph_.nodes[index];
    if (node.type == "MatMul") return write_behind(index);
    const bool gemm = node.type == "Gemm";
    const float beta = gemm ? node.number("beta", 1) : 1.0F;
    if (!node.has_input(2) || beta == 0) {
      graph_.nodes[index].inputs.resize(3, ValueId::none);
      graph_.nodes[index].inputs[2] = add(node.name + "_bias", vector_of(shift_));
      if (gemm) graph_.nodes[index].remove("beta");
      return std::nullopt;
    }
    const Tensor* bias = graph_.constant_input(node, 2);
    const auto changed = bias == nullptr ? std::nullopt : shifted(*bias, shift_, 1 / beta);
    if (!changed) return "its bias is not a constant for each channel";
    graph_.nodes[index].inputs[2] = add(graph_[node.inputs[2]].name + "_corrected", *changed);
    return std::nullopt;
  }

 private:
  ValueId add(const std::string& name, Tensor tensor) { return graph_.add_constant(names_.value(name), std::move(tensor)); }

  // Of a MatMul: into the Add behind it, or into a new one.
  std::optional<std::string> write_behind(std::size_t index) {
    const Uses uses(graph_);
    const ValueId product = graph_.nodes[index].outputs[0];
    if (!uses.is_output(product) && uses.readers(product).size() == 1) {
      Node& reader = graph_.nodes[static_cast<std::size_t>(uses.readers(product)[0])];
      if (reader.type == "Add" && reader.domain.empty()) {
        ValueId& other = reader.inputs[reader.inputs[0] == product ? 1 : 0];
        const Tensor* bias = graph_.constant(other);
        if (const auto changed = bias == nullptr ? std::nullopt : shifted(*bias, shift_, 1)) {
          other = add(graph_[other].name + "_corrected", *changed);
          return std::nullopt;
        }
      }
    }
    Node sum;
    sum.name = names_.node(graph_.nodes[index].name + "_bias");
    sum.type = "Add";
    sum.inputs = {graph_.add_value(names_.value(graph_[product].name + "_product"), graph_[product].info),
                  add(graph_.nodes[index].name + "_bias", vector_of(shift_))};
    sum.outputs = {product};
    graph_.nodes[index].outputs = {sum.inputs[0]};
    graph_.nodes.push_back(std::move(sum));
    sort_nodes(graph_);
    return std::nullopt;
  }

  Graph& graph_;
  NameSource names_;
  std::span<const float> shift_;
};

}  // namespace

std::optional<std::string> add_to_bias(Graph& graph, const std::string& node, std::span<const float> shift) {
  const auto found = std::find_if(graph.nodes.begin(), graph.nodes.end(), [&](const Node& each) { return each.name == node; });
  if (found == graph.nodes.end()) return "the node is not in the graph";
  return BiasWriter(graph, shift).write(static_cast<std::size_t>(found - graph.nodes.begin()));
}

}  // namespace titrate::engine
