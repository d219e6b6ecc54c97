// Static INT8: 8-bit weights and activations whose scales come from calibration; the node runs as integers (QLinearConv, QGemm,
// QLinearMatMul).
#include <algorithm>
#include <cmath>

#include "engine/base/text.hpp"
#include "engine/passes/saturate_products.hpp"
#include "engine/quant/integer_weights.hpp"
#include "engine/quant/schemes/weight_only.hpp"
#include "engine/quant/stored_weights.hpp"

namespace titrate::engine {
namespace {

bool needs_calibration(const Scheme&) { return true; }

std::optional<std::string> refusal(const Graph& graph, const Node& node, const Scheme&) {
  if (is_lookup(node)) return std::nullopt;
  if (graph.constant(node.inputs[0]) != nullptr) return "its input is constant";
  if (node.type == "Gemm" && node.has_input(2)) {
    const Tensor* bias = graph.constant_input(node, 2);
    if (bias == nullptr) return "its bias is computed: an int32 bias needs a constant";
    const std::int64_t channels = graph.constant_input(node, 1)->shape()[node.integer("transB", 0) != 0 ? 0 : 1];
    if (bias->elements() != 1 && bias->elements() != channels)
      return cat("its bias has the shape ", to_text(bias->shape()), ": not one number a channel");
    if (bias->rank() == 2 && bias->shape()[0] != 1) return "its bias differs from row to row";
  }
  if (node.type == "Conv" && node.has_input(2) && graph.constant_input(node, 2) == nullptr)
    return "its bias is computed: an int32 bias needs a constant";
  return std::nullopt;
}

Scheme effective(const Scheme& scheme, std::int64_t) { return scheme; }

// Gemm's alpha is brought into the weights and beta into the bias: a runtime fuses neither.
float alpha_of(const Node& node) { return node.type == "Gemm" ? node.number("alpha", 1) : 1.0F; }
float beta_of(const Node& node) { return node.type == "Gemm" ? node.number("beta", 1) : 1.0F; }

// One number a channel; empty: no bias.
std::vector<float> bias_of(const Graph& graph, const Node& node, std::int64_t channels) {
  const Tensor* bias = graph.constant_input(node, 2);
  if (bias == nullptr) return {};
  const auto elements = bias->data<float>();
  std::vector<float> result(static_cast<std::size_t>(channels));
  for (std::size_t channel = 0; channel < result.size(); ++channel)
    result[channel] = elements[elements.size() == 1 ? 0 : channel] * beta_of(node);
  return result;
}

// |bias / (input scale * weight scale)| stays below 2^30: half of int32 is left for the sum of products.
std::vector<float> least_scales(const std::vector<float>& bias, float input_scale) {
  std::vector<float> scales;
  for (const float number : bias) scales.push_back(std::fabs(number) * 0x1p-30F / input_scale);
  return scales;
}

// `name` is a copy: the names in the graph move when values are added.
ValueId write_bias(GraphRewriter& rewriter, const std::string name, const std::vector<float>& bias, float input_scale,
                   const QuantizedMatrix& weights) {
  std::vector<float> scales;
  std::vector<std::int32_t> codes;
  for (std::size_t channel = 0; channel < bias.size(); ++channel) {
    const float product = input_scale * weights.parameters(static_cast<std::int64_t>(channel), 0).scale;
    // The product of two tiny scales may vanish, with biases that are smaller still.
    const float scale = product > 0 ? product : 1.0F;
    scales.push_back(scale);
    codes.push_back(quantize_bias(bias[channel], scale));
  }
  const auto channels = static_cast<std::int64_t>(bias.size());
  const ValueId stored = rewriter.add_constant(name + "_quantized", Tensor::of<std::int32_t>({channels}, codes));
  const ValueId scale = rewriter.add_constant(name + "_scale", Tensor::of<float>({channels}, scales));
  const ValueId zero_point = rewriter.add_constant(name + "_zero_point", Tensor::zeros(DataType::int32, {channels}));
  return rewriter.add_node("DequantizeLinear", name + "_DequantizeLinear", {stored, scale, zero_point}, name + "_dequantized",
                           {attribute("axis", std::int64_t{0})});
}

// Whether the target adds two products in 16 bits, and these weights can be too large for that.
bool saturates(const Target& target, const Node& node, const Shape& shape, const QuantizedMatrix& weights) {
  if (target.pair_sum_bits > 16 || weights.range.least >= 0) return false;
  const bool convolution = node.type == "Conv";
  if (convolution && is_depthwise(shape, node.integer("group", 1))) return false;
  const std::vector<std::int32_t> codes(weights.codes.begin(), weights.codes.end());
  const Tensor packed = pack_codes(codes, DataType::int8, convolution ? shape : Shape{weights.rows, weights.columns});
  return largest_pair_sum(packed, convolution ? WeightOrder::convolution : WeightOrder::channel_a_row) > largest_16_bit_sum;
}

// The assignment stands, so the target has one: of the node alone, or with what is behind it.
const Pattern& pattern_of(const Target& target, const Node& node) {
  if (const Pattern* alone = target.integer_pattern(node.type)) return *alone;
  return *std::ranges::find_if(target.patterns,
                               [&](const Pattern& each) { return each.operators.front() == node.type && each.takes_integers(); });
}

// A table is only stored in 8 bits: what is looked up is float.
void apply_to_table(SchemeContext& context, Assignment& assignment) {
  GraphRewriter& rewriter = context.rewriter;
  const auto& scheme = std::get<StaticInt8Scheme>(assignment.scheme);
  const Node node = rewriter.graph().nodes[assignment.node];
  const WeightMatrix weights = weight_matrix_of(rewriter.graph(), node);
  store_weight_only(context, assignment, weights,
                    quantize_integer_weights(weights, {.per_channel = scheme.per_channel, .symmetric = scheme.weight_sym}), 8);
  assignment.decision.remark("its rows are stored in 8 bits and looked up as float");
}

void apply(SchemeContext& context, Assignment& assignment) {
  if (is_lookup(context.rewriter.graph().nodes[assignment.node])) return apply_to_table(context, assignment);
  GraphRewriter& rewriter = context.rewriter;
  const auto& scheme = std::get<StaticInt8Scheme>(assignment.scheme);
  const Node node = rewriter.graph().nodes[assignment.node];
  const float input_scale = context.placement.quantized.at(node.inputs[0]).parameters.scale;
  WeightMatrix weights = weight_matrix_of(rewriter.graph(), node);
  for (float& element : weights.elements) element *= alpha_of(node);
  const std::vector<float> bias = bias_of(rewriter.graph(), node, weights.rows);
  const IntegerWeights how{.per_channel = scheme.per_channel, .symmetric = scheme.weight_sym, .reduce_range = scheme.reduce_range};
  IntegerWeights bounded = how;
  bounded.least_scales = least_scales(bias, input_scale);
  const Pattern& pattern = pattern_of(context.target, node);
  if (const float least = pattern.weights->least_scale; least > 0) {
    bounded.least_scales.resize(static_cast<std::size_t>(weights.rows), least);
    for (float& scale : bounded.least_scales) scale = std::max(scale, least);
  }
  QuantizedMatrix quantized = quantize_integer_weights(weights, bounded);
  if (saturates(context.target, node, rewriter.graph().constant_input(node, 1)->shape(), quantized)) {
    bounded.reduce_range = true;
    quantized = quantize_integer_weights(weights, bounded);
    assignment.decision.remark(cat("weights of 7 bits: larger ones can saturate on the target ", context.target.name));
  }
  const Energies sums = energies(weights, quantized);
  NodeDecision& decision = assignment.decision;
  decision.weight_sqnr_db = signal_to_noise_db(sums.signal, sums.noise);
  IntegerWeights unbounded = bounded;
  unbounded.least_scales.clear();
  if (quantized.scales != quantize_integer_weights(weights, unbounded).scales)
    decision.remark("weight scales were enlarged so that the int32 bias does not overflow");
  if (scheme.act == ActivationType::u16 || scheme.act == ActivationType::s16)
    decision.remark("activations of 16 bits: runtimes compute it in float");
  if (!scheme.weight_sym && scheme.per_channel) decision.remark("all channels share one weight zero point, as ONNX Runtime demands");
  const bool rows_first = !weights.transposed;
  const StoredWeights stored =
      store_weights(rewriter, node, quantized, rewriter.graph().constant_input(node, 1)->shape(), rows_first, false);
  decision.stored_bytes = stored.bytes;
  ValueId bias_value = ValueId::none;
  if (!bias.empty() && pattern.bias_types.front() == DataType::float32) {
    bias_value = rewriter.add_constant(rewriter.graph()[node.inputs[2]].name + "_float", Tensor::of<float>({weights.rows}, bias));
  } else if (!bias.empty())
    bias_value = write_bias(rewriter, rewriter.graph()[node.inputs[2]].name, bias, input_scale, quantized);
  Node& changed = rewriter.graph().nodes[assignment.node];
  changed.inputs[1] = stored.value;
  if (bias_value != ValueId::none) changed.inputs[2] = bias_value;
  changed.remove("alpha");
  changed.remove("beta");
  if (const auto remark = context.placement.remarks.find(node.name); remark != context.placement.remarks.end())
    decision.remark(remark->second);
}

}  // namespace

const QuantizerRow static_int8_scheme{"static_int8", needs_calibration, refusal, effective, apply};

}  // namespace titrate::engine
