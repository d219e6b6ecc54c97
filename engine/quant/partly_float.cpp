#include "engine/quant/partly_float.hpp"

#include <algorithm>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"
#include "engine/quant/affine.hpp"
#include "engine/quant/graph_rewriter.hpp"
#include "engine/quant/stored_weights.hpp"

namespace titrate::engine {
namespace {

class Changer {
 public:
  Changer(const Model& reference, const Model& quantized, const LayerMatch& match)
      : reference_(reference.graph), match_(match), rewriter_(quantized), nodes_(quantized.graph.nodes.size()) {}

  void put_rest_back(std::span<const LayerChange> changes) {
    std::vector<bool> kept(nodes_, false);
    for (std::size_t index = 0; index < changes.size(); ++index) {
      if (changes[index].form == LayerForm::as_it_is) kept[match_.layers[index].node] = true;
    }
    for (std::size_t index = 0; index < nodes_; ++index) {
      Node& node = rewriter_.graph().nodes[index];
      if (kept[index] || node.type == "QuantizeLinear" || node.type == "DequantizeLinear") continue;
      for (ValueId& input : node.inputs) {
        if (const auto source = match_.sources.find(input); source != match_.sources.end()) input = source->second;
      }
    }
  }

  void apply(const ComparedLayer& layer, const LayerChange& change) {
    if (change.form == LayerForm::put_back) return put_back(layer);
    if (change.weights.exists()) {
      const ValueId weights = rewriter_.add_constant(layer.name + "_weights", change.weights);
      node_of(layer).inputs[layer.weights->input] = weights;
    }
    if (change.range) set_range(layer, *change.range);
  }

  Model finish() { return rewriter_.finish(); }

 private:
  Node& node_of(const ComparedLayer& layer) { return rewriter_.graph().nodes[layer.node]; }

  void put_back(const ComparedLayer& layer) {
    if (!layer.separable) return put_float_node(layer);
    if (node_of(layer).type == "DequantizeLinear") {
      Node& node = node_of(layer);
      node.type = "Identity";
      node.inputs = {layer.activations[0].source};
      node.attributes.clear();
      return;
    }
    for (const QuantizedRead& read : layer.activations) node_of(layer).inputs[read.input] = read.source;
    for (const std::optional<StoredParameter>* stored : {&layer.weights, &layer.bias}) {
      if (!*stored || !(*stored)->wanted.exists()) continue;
      const ValueId wanted = rewriter_.add_constant(layer.name + "_float", (*stored)->wanted);
      node_of(layer).inputs[(*stored)->input] = wanted;
    }
  }

  // The float model's own node makes the value instead.
  void put_float_node(const ComparedLayer& layer) {
    const Uses uses(reference_);
    const int producer = uses.producer(*reference_.find_value(layer.float_output));
    if (producer < 0) throw_invalid(cat("the layer '", visible(layer.name), "' has no node in the float model"));
    Node node = reference_.nodes[static_cast<std::size_t>(producer)];
    for (ValueId& input : node.inputs) input = counterpart_of(input, layer);
    for (Node& other : rewriter_.graph().nodes) {
      for (ValueId& output : other.outputs) {
        if (output == layer.output) output = rewriter_.add_value(layer.name + "_unused");
      }
    }
    rewriter_.add_node_for(layer.output, node.type, node.name + "_float", node.inputs, node.attributes, node.domain);
  }

  ValueId counterpart_of(ValueId id, const ComparedLayer& layer) {
    if (id == ValueId::none) return id;
    if (const Tensor* constant = reference_.constant(id)) return rewriter_.add_constant(reference_[id].name, *constant);
    const auto found = rewriter_.graph().find_value(reference_[id].name);
    if (!found)
      throw_invalid(cat("the layer '", visible(layer.name), "' cannot be put back: its input '", visible(reference_[id].name),
                        "' is not in the quantized model"));
    return *found;
  }

  void set_range(const ComparedLayer& layer, const QuantizedRead& read) {
    const int bits = bits_of(read.type);
    const IntegerRange range = is_signed_integer(read.type) ? signed_range(bits) : unsigned_range(bits);
    const AffineParameters parameters = asymmetric_parameters(read.low, read.high, range);
    const ValueId scale = rewriter_.add_constant(layer.name + "_scale", Tensor::scalar(parameters.scale));
    const ValueId zero_point =
        rewriter_.add_constant(layer.name + "_zero_point", pack_codes(std::span(&parameters.zero_point, 1), read.type, {}));
    const ValueId codes =
        rewriter_.add_node("QuantizeLinear", layer.name + "_Quantize", {read.source, scale, zero_point}, layer.name + "_codes");
    const ValueId numbers =
        rewriter_.add_node("DequantizeLinear", layer.name + "_Dequantize", {codes, scale, zero_point}, layer.name + "_numbers");
    Node& node = node_of(layer);
    if (node.type == "DequantizeLinear") {
      node.type = "Identity";
      node.inputs = {numbers};
      node.attributes.clear();
    } else {
      node.inputs[read.input] = numbers;
    }
  }

  const Graph& reference_;
  const LayerMatch& match_;
  GraphRewriter rewriter_;
  std::size_t nodes_;
};

}  // namespace

Model change_layers(const Model& reference, const Model& quantized, const LayerMatch& match, std::span<const LayerChange> changes,
                    bool rest_as_it_is) {
  Changer changer(reference, quantized, match);
  if (!rest_as_it_is) changer.put_rest_back(changes);
  for (std::size_t index = 0; index < changes.size(); ++index) changer.apply(match.layers[index], changes[index]);
  return changer.finish();
}

}  // namespace titrate::engine
