#include "engine/quant/layer_variants.hpp"

#include <map>
#include <unordered_map>

namespace titrate::engine {
namespace {

class VariantBuilder {
 public:
  VariantBuilder(const Model& reference, const Model& quantized, const LayerMatch& match, const ComparedLayer& layer)
      : reference_(reference.graph), from_(quantized.graph), uses_(quantized.graph), match_(match), layer_(layer), names_(from_) {
    result_.model.ir_version = quantized.ir_version;
    result_.model.opsets = quantized.opsets;
  }

  LayerVariants build() {
    if (!layer_.separable) {
      add_output(LayerPart::everything, copy_node(layer_.output));
    } else {
      add_variant(LayerPart::everything);
      if (layer_.has_effects()) add_effects();
    }
    sort_nodes(to());
    verify(to());
    return std::move(result_);
  }

 private:
  Graph& to() { return result_.model.graph; }

  void add_effects() {
    if (layer_.weights) add_variant(LayerPart::weights);
    if (layer_.bias && layer_.bias->wanted.exists()) add_variant(LayerPart::bias);
    if (layer_.activations.empty()) return;
    add_variant(LayerPart::activations);
    add_variant(LayerPart::clipping);
  }

  void add_output(LayerPart part, ValueId value) {
    to().outputs.push_back(value);
    result_.parts.push_back(part);
  }

  void add_variant(LayerPart part) {
    Node node = from_.nodes[layer_.node];
    // The rounding of a graph output is a layer too: of what it reads nothing else is done.
    if (node.type == "DequantizeLinear") {
      node.type = "Identity";
      node.inputs = {layer_.output};
      node.attributes.clear();
    }
    for (std::size_t input = 0; input < node.inputs.size(); ++input) node.inputs[input] = input_of(node, input, part);
    for (std::size_t output = 0; output < node.outputs.size(); ++output) {
      if (node.has_output(output)) node.outputs[output] = to().add_value(names_.value(layer_.name + "_variant"));
    }
    node.name = names_.node(node.name);
    const ValueId output = node.outputs[0];
    to().nodes.push_back(std::move(node));
    add_output(part, output);
  }

  ValueId input_of(const Node& node, std::size_t input, LayerPart part) {
    const bool everything = part == LayerPart::everything;
    for (const QuantizedRead& read : layer_.activations) {
      if (read.input != input) continue;
      if (everything || part == LayerPart::activations) return copy_node(read.dequantized);
      return part == LayerPart::clipping ? clipped(read) : copy_value(read.source);
    }
    if (layer_.weights && layer_.weights->input == input) return parameter(*layer_.weights, everything || part == LayerPart::weights);
    if (layer_.bias && layer_.bias->input == input) return parameter(*layer_.bias, everything || part == LayerPart::bias);
    return copy_value(node.inputs[input]);
  }

  // Each once: several variants share them.
  ValueId parameter(const StoredParameter& stored, bool quantized) {
    const bool as_it_is = quantized || !stored.wanted.exists();
    const auto [place, fresh] = parameters_.emplace(std::pair(stored.input, as_it_is), ValueId::none);
    if (fresh) place->second = to().add_constant(names_.value(layer_.name + "_parameter"), as_it_is ? stored.numbers : stored.wanted);
    return place->second;
  }

  ValueId clipped(const QuantizedRead& read) {
    const auto bounded = [&](const char* type, ValueId value, float bound) {
      const ValueId constant = to().add_constant(names_.value(layer_.name + "_bound"), Tensor::scalar(bound));
      const ValueId result = to().add_value(names_.value(layer_.name + "_clipped"));
      to().nodes.push_back({.name = names_.node(layer_.name + "_clip"),
                            .type = type,
                            .domain = {},
                            .inputs = {value, constant},
                            .outputs = {result},
                            .attributes = {},
                            .extra = {}});
      return result;
    };
    return bounded("Min", bounded("Max", copy_value(read.source), read.low), read.high);
  }

  // A constant, a value of the float model that is fed, or computed by copied nodes.
  ValueId copy_value(ValueId id) {
    if (id == ValueId::none) return id;
    if (const auto known = copied_.find(id); known != copied_.end()) return known->second;
    const Value& value = from_[id];
    if (value.constant) return copied_[id] = to().add_constant(value.name, *value.constant);
    if (const auto fed = match_.float_values.find(id); fed != match_.float_values.end()) return copied_[id] = feed(fed->second);
    return copy_node(id);
  }

  ValueId feed(const std::string& name) {
    const auto [place, fresh] = fed_.emplace(name, ValueId::none);
    if (!fresh) return place->second;
    const auto value = reference_.find_value(name);
    place->second = to().add_value(name, value ? reference_[*value].info : std::nullopt);
    to().inputs.push_back(place->second);
    result_.inputs.push_back(name);
    return place->second;
  }

  // Copies the node that makes a value with all that it needs; returns the value's copy.
  ValueId copy_node(ValueId wanted) {
    if (const auto known = made_.find(wanted); known != made_.end()) return known->second;
    Node node = from_.nodes[static_cast<std::size_t>(uses_.producer(wanted))];
    for (ValueId& input : node.inputs) input = copy_value(input);
    for (ValueId& output : node.outputs) {
      if (output == ValueId::none) continue;
      const ValueId own = to().add_value(names_.value(from_[output].name));
      made_.emplace(output, own);
      if (!match_.float_values.contains(output)) copied_.emplace(output, own);
      output = own;
    }
    to().nodes.push_back(std::move(node));
    return made_.at(wanted);
  }

  const Graph& reference_;
  const Graph& from_;
  Uses uses_;
  const LayerMatch& match_;
  const ComparedLayer& layer_;
  NameSource names_;
  std::map<ValueId, ValueId> copied_;  // as others read it: values that the float model has are fed
  std::map<ValueId, ValueId> made_;    // by copied nodes
  std::map<std::pair<std::size_t, bool>, ValueId> parameters_;
  std::unordered_map<std::string, ValueId> fed_;
  LayerVariants result_;
};

}  // namespace

LayerVariants build_layer_variants(const Model& reference, const Model& quantized, const LayerMatch& match, const ComparedLayer& layer) {
  return VariantBuilder(reference, quantized, match, layer).build();
}

}  // namespace titrate::engine
