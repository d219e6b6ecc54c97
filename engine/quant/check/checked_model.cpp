#include "engine/quant/check/checked_model.hpp"

#include <algorithm>
#include <utility>

#include "engine/passes/constant_nodes.hpp"
#include "engine/passes/fold_constants.hpp"

namespace titrate::engine {
namespace {

using lowering::Quantizer;

Model with_constants_computed(Model model) {
  verify(model.graph);
  (void)constant_nodes_to_initializers(model);
  (void)fold_constants(model);
  return model;
}

// The axis of the output channels in the weights (algorithms A4); none: no such layer.
std::optional<std::int64_t> channel_axis_of(const Node& node, const Tensor& weights) {
  if (!node.domain.empty()) return std::nullopt;
  if (node.type == "Conv" && weights.rank() >= 3) return 0;
  if (node.type == "ConvTranspose" && weights.rank() >= 3) return 1;
  if (node.type == "Gemm" && weights.rank() == 2) return node.integer("transB", 0) != 0 ? 0 : 1;
  if (node.type == "MatMul" && weights.rank() >= 2) return weights.rank() - 1;
  return std::nullopt;
}

}  // namespace

std::int64_t QuantizedLayer::channel_of(std::int64_t index) const {
  std::int64_t behind = 1;
  for (std::int64_t axis = channel_axis + 1; axis < codes->rank(); ++axis) behind *= codes->shape()[static_cast<std::size_t>(axis)];
  return index / behind % channels();
}

std::optional<std::int64_t> QuantizedLayer::scale_axis() const {
  if (weights.per_tensor()) return std::nullopt;
  return *weights.axis < 0 ? *weights.axis + codes->rank() : *weights.axis;
}

CheckedModel::CheckedModel(const Model& model, const Target& target)
    : model_(with_constants_computed(model)), target_(target), uses_(model_.graph) {
  collect_layers();
}

void CheckedModel::collect_layers() {
  for (const Node& node : graph().nodes) {
    if (!node.has_input(1)) continue;
    const auto weights = dequantized(node, 1);
    const Tensor* codes = weights ? graph().constant(weights->codes) : nullptr;
    const auto axis = codes == nullptr ? std::nullopt : channel_axis_of(node, *codes);
    if (!axis || codes->elements() == 0) continue;
    layers_.push_back({.node = &node, .input = {}, .weights = *weights, .codes = codes, .channel_axis = *axis});
    if (reads_quantized_activation(node, 0)) layers_.back().input = dequantized(node, 0);
  }
}

const QuantizedLayer* CheckedModel::layer_of(const Node& node) const {
  const auto found = std::ranges::lower_bound(layers_, &node, {}, &QuantizedLayer::node);
  return found == layers_.end() || found->node != &node ? nullptr : &*found;
}

const Node* CheckedModel::producer(ValueId value) const {
  const int index = uses_.producer(value);
  return index < 0 ? nullptr : &graph().nodes[static_cast<std::size_t>(index)];
}

const Node* CheckedModel::only_reader(ValueId value) const {
  if (value == ValueId::none || uses_.is_output(value) || uses_.readers(value).size() != 1) return nullptr;
  return &graph().nodes[static_cast<std::size_t>(uses_.readers(value)[0])];
}

DataType CheckedModel::type_of_codes(const Node& dequantize) const {
  if (const Tensor* constant = graph().constant_input(dequantize, 0)) return constant->type();
  if (dequantize.has_input(2)) return DataType::undefined;  // its zero point says it
  const Node* quantize = producer(dequantize.inputs[0]);
  if (quantize != nullptr && lowering::is_quantize(*quantize)) {
    const auto read = lowering::read_quantizer(graph(), *quantize, DataType::undefined);
    if (read) return read->type;
  }
  const Value& value = graph()[dequantize.inputs[0]];
  return value.info ? value.info->type : DataType::undefined;
}

std::optional<Quantizer> CheckedModel::dequantized(const Node& node, std::size_t input) const {
  const Node* dequantize = node.has_input(input) ? producer(node.inputs[input]) : nullptr;
  if (dequantize == nullptr || !lowering::is_dequantize(*dequantize)) return std::nullopt;
  const auto read = lowering::read_quantizer(graph(), *dequantize, type_of_codes(*dequantize));
  return read ? std::optional(*read) : std::nullopt;
}

bool CheckedModel::reads_quantized_activation(const Node& node, std::size_t input) const {
  const Node* dequantize = node.has_input(input) ? producer(node.inputs[input]) : nullptr;
  return dequantize != nullptr && lowering::is_dequantize(*dequantize) && graph().constant(dequantize->inputs[0]) == nullptr;
}

const Node* CheckedModel::quantize_behind(ValueId value) const {
  const Node* reader = only_reader(value);
  return reader != nullptr && lowering::is_quantize(*reader) && reader->inputs[0] == value ? reader : nullptr;
}

std::optional<Quantizer> CheckedModel::quantized(const Node& quantize) const {
  const auto read = lowering::read_quantizer(graph(), quantize, DataType::undefined);
  return read ? std::optional(*read) : std::nullopt;
}

void CheckedModel::lower_once() {
  if (report_) return;
  lowered_ = model_;
  report_ = lower(lowered_);
}

const LoweringReport& CheckedModel::lowering_report() {
  lower_once();
  return *report_;
}

const Graph& CheckedModel::lowered_graph() {
  lower_once();
  return lowered_.graph;
}

}  // namespace titrate::engine
