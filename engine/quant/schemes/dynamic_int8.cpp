// Dynamic INT8: 8-bit weights; the scale of the activations is found anew in each run. For matrix products: MatMulInteger on codes.
#include "engine/base/text.hpp"
#include "engine/quant/integer_weights.hpp"
#include "engine/quant/schemes/scheme.hpp"
#include "engine/quant/stored_weights.hpp"

namespace titrate::engine {
namespace {

bool needs_calibration(const Scheme&) { return false; }

std::optional<std::string> refusal(const Graph& graph, const Node& node, const Scheme&) {
  if (node.type != "MatMul" && node.type != "Gemm") return cat("dynamic_int8 is for MatMul and Gemm, not for ", node.type);
  if (graph.constant(node.inputs[0]) != nullptr) return "its input is constant";
  return std::nullopt;
}

Scheme effective(const Scheme& scheme, std::int64_t) { return scheme; }

struct DynamicInput {
  ValueId codes;
  ValueId scale;
  ValueId zero_point;  // none: 0
};

DynamicInput quantize_unsigned(GraphRewriter& rewriter, const std::string& name, ValueId input) {
  const auto outputs = rewriter.add_node_with("DynamicQuantizeLinear", name + "_DynamicQuantizeLinear", {input},
                                              {name + "_quantized", name + "_scale", name + "_zero_point"});
  return {outputs[0], outputs[1], outputs[2]};
}

// DynamicQuantizeLinear gives uint8 only: scale = max|x| / 127, zero point 0, from plain operators.
DynamicInput quantize_signed(GraphRewriter& rewriter, const std::string& name, ValueId input) {
  const ValueId magnitude = rewriter.add_node("Abs", name + "_Abs", {input}, name + "_magnitude");
  const ValueId largest =
      rewriter.add_node("ReduceMax", name + "_ReduceMax", {magnitude}, name + "_largest", {attribute("keepdims", std::int64_t{0})});
  // An input of zeros gets a scale that is not zero.
  const ValueId least = rewriter.add_constant(name + "_least", Tensor::scalar(1e-30F));
  const ValueId positive = rewriter.add_node("Max", name + "_Max", {largest, least}, name + "_positive");
  const ValueId levels = rewriter.add_constant(name + "_levels", Tensor::scalar(127.0F));
  const ValueId scale = rewriter.add_node("Div", name + "_Div", {positive, levels}, name + "_scale");
  const ValueId zero_point = rewriter.add_constant(name + "_zero_point", Tensor::zeros(DataType::int8, {}));
  return {rewriter.add_node("QuantizeLinear", name + "_QuantizeLinear", {input, scale, zero_point}, name + "_quantized"), scale,
          zero_point};
}

// The weights' codes as [columns, rows] with their parameters, as MatMulInteger reads them.
struct StoredCodes {
  ValueId codes;
  ValueId scale;
  ValueId zero_point;
  std::int64_t bytes;
};

// `name` is a copy: the names in the graph move when values are added.
StoredCodes store_codes(GraphRewriter& rewriter, const std::string name, const QuantizedMatrix& quantized) {
  std::vector<std::int32_t> codes(quantized.codes.size());
  for (std::int64_t row = 0; row < quantized.rows; ++row) {
    for (std::int64_t column = 0; column < quantized.columns; ++column) {
      codes[static_cast<std::size_t>(column * quantized.rows + row)] =
          quantized.codes[static_cast<std::size_t>(row * quantized.columns + column)];
    }
  }
  const DataType type = storage_type(quantized.range);
  const Shape parameters = quantized.per_tensor ? Shape{} : Shape{quantized.rows};
  const Tensor packed = pack_codes(codes, type, {quantized.columns, quantized.rows});
  const Tensor scales = Tensor::of<float>(parameters, quantized.scales);
  const Tensor zero_points = pack_codes(quantized.zero_points, type, parameters);
  const auto bytes = static_cast<std::int64_t>(packed.bytes().size() + scales.bytes().size() + zero_points.bytes().size());
  return {rewriter.add_constant(name + "_quantized", packed), rewriter.add_constant(name + "_scale", scales),
          rewriter.add_constant(name + "_zero_point", zero_points), bytes};
}

// Several nodes may read one input: it is quantized once for each type of codes.
DynamicInput quantized_input(SchemeContext& context, const Node& node, ActivationType type) {
  GraphRewriter& rewriter = context.rewriter;
  const std::string own = rewriter.graph()[node.inputs[0]].name;
  if (node.type == "Gemm" && node.integer("transA", 0) != 0) {
    const ValueId turned = rewriter.add_node("Transpose", node.name + "_Transpose", {node.inputs[0]}, own + "_transposed",
                                             {attribute("perm", std::vector<std::int64_t>{1, 0})});
    return type == ActivationType::u8 ? quantize_unsigned(rewriter, node.name, turned) : quantize_signed(rewriter, node.name, turned);
  }
  return type == ActivationType::u8 ? quantize_unsigned(rewriter, node.name, node.inputs[0])
                                    : quantize_signed(rewriter, node.name, node.inputs[0]);
}

void apply(SchemeContext& context, Assignment& assignment) {
  GraphRewriter& rewriter = context.rewriter;
  const auto& scheme = std::get<DynamicInt8Scheme>(assignment.scheme);
  const Node node = rewriter.graph().nodes[assignment.node];
  WeightMatrix weights = weight_matrix_of(rewriter.graph(), node);
  const float alpha = node.type == "Gemm" ? node.number("alpha", 1) : 1.0F;
  for (float& element : weights.elements) element *= alpha;
  const QuantizedMatrix quantized = quantize_integer_weights(weights, {.per_channel = scheme.per_channel, .symmetric = scheme.weight_sym});
  const Energies sums = energies(weights, quantized);
  assignment.decision.weight_sqnr_db = signal_to_noise_db(sums.signal, sums.noise);
  const StoredCodes stored = store_codes(rewriter, rewriter.graph()[node.inputs[1]].name, quantized);
  assignment.decision.stored_bytes = stored.bytes;
  rewriter.require_opset(13);
  const DynamicInput input = quantized_input(context, node, scheme.act);
  const ValueId output = node.outputs[0];
  const std::string name = node.name;
  const ValueId scale = rewriter.add_node("Mul", name + "_scales", {input.scale, stored.scale}, name + "_product_scale");
  const bool biased = node.type == "Gemm" && node.has_input(2) && node.number("beta", 1) != 0;
  const ValueId products = rewriter.add_value(name + "_integers");
  const ValueId floats = rewriter.add_node("Cast", name + "_Cast", {products}, name + "_floats",
                                           {attribute("to", static_cast<std::int64_t>(DataType::float32))});
  const ValueId scaled = biased ? rewriter.add_node("Mul", name + "_Mul", {floats, scale}, name + "_scaled") : output;
  if (!biased) rewriter.add_node_for(output, "Mul", name + "_Mul", {floats, scale});
  if (biased) {
    ValueId bias = node.inputs[2];
    if (const float beta = node.number("beta", 1); beta != 1) {
      bias = rewriter.add_node("Mul", name + "_beta", {bias, rewriter.add_constant(name + "_beta", Tensor::scalar(beta))}, name + "_bias");
    }
    rewriter.add_node_for(output, "Add", name + "_Add", {scaled, bias});
  }
  Node& changed = rewriter.graph().nodes[assignment.node];
  changed.type = "MatMulInteger";
  changed.inputs = {input.codes, stored.codes, input.zero_point, stored.zero_point};
  changed.outputs = {products};
  changed.attributes.clear();
}

}  // namespace

const QuantizerRow dynamic_int8_scheme{"dynamic_int8", needs_calibration, refusal, effective, apply};

}  // namespace titrate::engine
