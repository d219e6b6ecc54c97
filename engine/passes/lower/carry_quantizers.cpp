#include "engine/passes/lower/carry_quantizers.hpp"

#include <algorithm>

#include "engine/passes/lower/movement.hpp"
#include "engine/passes/lower/quantizer.hpp"

namespace titrate::engine::lowering {

namespace {

class Carrier {
 public:
  explicit Carrier(Model& model) : model_(model), graph_(model.graph), uses_(model.graph), names_(model.graph) {}

  std::size_t run() {
    std::size_t count = 0;
    for (std::size_t index = 0; index < graph_.nodes.size(); ++index) {
      if (!is_crossed(graph_.nodes[index], model_.opset())) continue;
      if (carry_down(graph_.nodes[index]) || carry_up(graph_.nodes[index])) ++count;
    }
    for (Node& node : added_) graph_.nodes.push_back(std::move(node));
    if (count > 0) sort_nodes(graph_);
    return count;
  }

 private:
  const Node* made_by(ValueId value) const {
    const int producer = uses_.producer(value);
    return producer < 0 ? nullptr : &graph_.nodes[static_cast<std::size_t>(producer)];
  }

  static bool is_single(const Graph& graph, const Node& node) {
    const Checked<Quantizer> quantizer = read_quantizer(graph, node, DataType::uint8);
    return quantizer && quantizer->per_tensor();
  }

  // Quantize and dequantize `from` as `like` does; returns the new value.
  ValueId add_pair(ValueId from, const Node& like) {
    const std::string name = graph_[from].name;
    const ValueId codes = graph_.add_value(names_.value(name + "_carried_quantized"));
    const ValueId floats = graph_.add_value(names_.value(name + "_carried"), graph_[from].info);
    Node quantize{.name = names_.node(name + "_carried_QuantizeLinear"),
                  .type = "QuantizeLinear",
                  .domain = {},
                  .inputs = like.inputs,
                  .outputs = {codes},
                  .attributes = {},
                  .extra = {}};
    quantize.inputs[0] = from;
    Node dequantize = quantize;
    dequantize.name = names_.node(name + "_carried_DequantizeLinear");
    dequantize.type = "DequantizeLinear";
    dequantize.inputs[0] = codes;
    dequantize.outputs = {floats};
    // Without a zero point the type stands in an attribute.
    if (const Attribute* type = like.find("output_dtype"); type != nullptr && is_quantize(like)) quantize.attributes.push_back(*type);
    added_.push_back(std::move(quantize));
    added_.push_back(std::move(dequantize));
    return floats;
  }

  bool is_read_by_quantizer(ValueId value) const {
    return std::ranges::any_of(uses_.readers(value),
                               [&](int reader) { return is_quantize(graph_.nodes[static_cast<std::size_t>(reader)]); });
  }

  // DQ -> node -> others: the others read a value that was quantized behind the node.
  bool carry_down(Node& node) {
    const Node* dequantize = made_by(node.inputs[0]);
    if (dequantize == nullptr || !is_dequantize(*dequantize) || dequantize->inputs.size() < 3) return false;
    // Stored weights stay as they are: nothing is won by moving them in each run.
    if (!is_single(graph_, *dequantize) || graph_.constant(dequantize->inputs[0]) != nullptr) return false;
    const ValueId output = node.outputs[0];
    if (uses_.is_output(output) || uses_.readers(output).empty() || is_read_by_quantizer(output)) return false;
    const Node like = *dequantize;
    const ValueId floats = add_pair(output, like);
    for (const int reader : uses_.readers(output)) {
      Node& other = graph_.nodes[static_cast<std::size_t>(reader)];
      std::replace(other.inputs.begin(), other.inputs.end(), output, floats);
    }
    return true;
  }

  // others -> node -> Q: the node reads a value that was quantized before it.
  bool carry_up(Node& node) {
    const ValueId output = node.outputs[0];
    if (uses_.is_output(output) || uses_.readers(output).size() != 1) return false;
    const Node like = graph_.nodes[static_cast<std::size_t>(uses_.readers(output)[0])];
    const ValueId input = node.inputs[0];
    const Node* producer = made_by(input);
    if (!is_quantize(like) || like.inputs.size() < 3 || !is_single(graph_, like)) return false;
    if ((producer != nullptr && is_dequantize(*producer)) || uses_.is_output(input) || uses_.readers(input).size() != 1) return false;
    if (graph_.constant(input) != nullptr) return false;
    node.inputs[0] = add_pair(input, like);
    return true;
  }

  Model& model_;
  Graph& graph_;
  Uses uses_;
  NameSource names_;
  std::vector<Node> added_;
};

}  // namespace

std::size_t carry_quantizers(Model& model) { return Carrier(model).run(); }

}  // namespace titrate::engine::lowering
