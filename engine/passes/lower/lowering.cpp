#include "engine/passes/lower/lowering.hpp"

#include <algorithm>
#include <utility>

#include "engine/base/text.hpp"
#include "engine/passes/activation_bounds.hpp"

namespace titrate::engine::lowering {

namespace {

std::string range_text(const Quantizer& quantizer) {
  const auto edge = [&](std::int32_t code) {
    return number_text(static_cast<float>(code - quantizer.zero_point_of(0)) * quantizer.scale_of(0));
  };
  return cat("[", edge(quantizer.lowest_code()), ",", edge(quantizer.highest_code()), "]");
}

std::string bounds_text(const Node& node, const ActivationBounds& bounds) {
  if (node.type == "Relu") return "Relu's [0,inf)";
  return cat("Clip's [", number_text(bounds.low), ",", number_text(bounds.high), "]");
}

// Why the one reader of a value is in the way.
std::string reader_in_the_way(const Graph& graph, const Uses& uses, const Node& reader) {
  const auto bounds = activation_bounds(graph, reader);
  if (bounds && uses.readers(reader.outputs[0]).size() == 1) {
    const Node& behind = graph.nodes[static_cast<std::size_t>(uses.readers(reader.outputs[0])[0])];
    if (is_quantize(behind)) {
      const Checked<Quantizer> quantizer = read_quantizer(graph, behind, DataType::undefined);
      if (quantizer && quantizer->per_tensor())
        return cat("the quantizer's range ", range_text(*quantizer), " is cut by ", bounds_text(reader, *bounds));
    }
  }
  return cat("no QuantizeLinear behind it: its output is read by ", quoted(reader), " (", visible(reader.type), ")");
}

std::string bits_text(DataType type) { return cat(bits_of(type), "-bit activations"); }

Checked<Quantizer> as_activation(Checked<Quantizer> quantizer) {
  if (!quantizer) return quantizer;
  if (!is_8_bit(quantizer->type)) return Failed{bits_text(quantizer->type)};
  if (!quantizer->per_tensor()) return Failed{"its activations have a scale for each channel"};
  return quantizer;
}

}  // namespace

std::string quoted(const Node& node) { return cat("'", visible(node.name), "'"); }
std::string quoted(const Graph& graph, ValueId id) { return cat("'", visible(graph[id].name), "'"); }

Lowering::Lowering(Model& model, std::vector<ValueInfo> types)
    : model_(model),
      types_(std::move(types)),
      uses_(model.graph),
      names_(model.graph),
      gone_(model.graph.nodes.size(), false),
      settled_(model.graph.nodes.size(), false),
      remarks_(model.graph.nodes.size()) {}

std::optional<std::size_t> Lowering::rank(ValueId id) const {
  const auto index = static_cast<std::size_t>(id);
  if (id == ValueId::none || index >= types_.size() || !types_[index].shape) return std::nullopt;
  return types_[index].shape->size();
}

DataType Lowering::type(ValueId id) const {
  const auto index = static_cast<std::size_t>(id);
  return id == ValueId::none || index >= types_.size() ? DataType::undefined : types_[index].type;
}

Checked<Quantizer> Lowering::dequantized(const Node& node, std::size_t input) const {
  const int producer = uses_.producer(node.inputs[input]);
  if (producer >= 0) {
    const Node& made_by = graph().nodes[static_cast<std::size_t>(producer)];
    if (is_dequantize(made_by)) return read_quantizer(graph(), made_by, type(made_by.inputs[0]));
    return Failed{cat("no DequantizeLinear in front of it: its input ", quoted(graph(), node.inputs[input]), " is made by ",
                      quoted(made_by), " (", visible(made_by.type), ")")};
  }
  const bool constant = graph().constant(node.inputs[input]) != nullptr;
  return Failed{cat("its input ", quoted(graph(), node.inputs[input]), constant ? " is a float constant" : " is not quantized")};
}

Checked<Quantizer> Lowering::activation(const Node& node, std::size_t input) const { return as_activation(dequantized(node, input)); }

Checked<std::size_t> Lowering::quantize_behind(ValueId value) const {
  if (uses_.is_output(value)) return Failed{"no QuantizeLinear behind it: its output is an output of the model"};
  const std::vector<int>& readers = uses_.readers(value);
  if (readers.empty()) return Failed{"nothing reads its output"};
  const auto is_q = [&](int reader) { return is_quantize(graph().nodes[static_cast<std::size_t>(reader)]); };
  if (readers.size() == 1) {
    const auto reader = static_cast<std::size_t>(readers[0]);
    if (is_q(readers[0])) return reader;
    return Failed{reader_in_the_way(graph(), uses_, graph().nodes[reader])};
  }
  const auto other = std::ranges::find_if_not(readers, is_q);
  if (other == readers.end()) return Failed{"several QuantizeLinear read its output"};
  const Node& reader = graph().nodes[static_cast<std::size_t>(*other)];
  return Failed{cat("no QuantizeLinear behind it: its output is also read by ", quoted(reader), " (", visible(reader.type), ")")};
}

Checked<Quantizer> Lowering::result(ValueId value) const {
  const Checked<std::size_t> behind = quantize_behind(value);
  if (!behind) return Failed{behind.why()};
  return as_activation(read_quantizer(graph(), graph().nodes[*behind], DataType::undefined));
}

ValueId Lowering::scale_input(const Quantizer& quantizer) {
  if (quantizer.scales->rank() == 0 || !quantizer.per_tensor()) return quantizer.scale;
  return add_constant(graph()[quantizer.scale].name + "_single", quantizer.scales->reshaped({}));
}

ValueId Lowering::zero_point_input(const Quantizer& quantizer) {
  if (quantizer.zero_points == nullptr) {
    const Shape shape = quantizer.per_tensor() ? Shape{} : quantizer.scales->shape();
    return add_constant(graph()[quantizer.codes].name + "_zero_point", Tensor::zeros(quantizer.type, shape));
  }
  if (quantizer.zero_points->rank() == 0 || !quantizer.per_tensor()) return quantizer.zero_point;
  return add_constant(graph()[quantizer.zero_point].name + "_single", quantizer.zero_points->reshaped({}));
}

ValueId Lowering::add_constant(const std::string& name, Tensor tensor) {
  return model_.graph.add_constant(names_.value(name), std::move(tensor));
}

ValueId Lowering::add_value(const std::string& name, ValueInfo info) { return model_.graph.add_value(names_.value(name), std::move(info)); }

void Lowering::replace(std::size_t node, Node replacement) {
  for (const ValueId output : replacement.outputs) {
    const auto index = static_cast<std::size_t>(output);
    if (output == ValueId::none || index >= uses_.producers.size() || uses_.producers[index] < 0) continue;
    gone_[static_cast<std::size_t>(uses_.producers[index])] = true;
  }
  replacement.name = graph().nodes[node].name;
  gone_[node] = true;
  settled_[node] = true;
  ++replaced_;
  added_.push_back(std::move(replacement));
}

void Lowering::absorb(std::size_t node, const std::string& remark) {
  gone_[node] = true;
  settled_[node] = true;
  remarks_[node] = remark;
}

void Lowering::add_node(Node node) {
  node.name = names_.node(node.name);
  added_.push_back(std::move(node));
}

std::size_t Lowering::finish() {
  Graph& changed = model_.graph;
  std::size_t position = 0;
  std::erase_if(changed.nodes, [&](const Node&) { return gone_[position++]; });
  for (Node& node : added_) {
    if (node.domain == microsoft && model_.opset(microsoft) == 0) model_.set_opset(microsoft, 1);
    changed.nodes.push_back(std::move(node));
  }
  return replaced_;
}

}  // namespace titrate::engine::lowering
