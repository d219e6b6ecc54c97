// Microscaling formats: weights in blocks of 32 along K that share a power of two; unless weights_only the inputs are rounded so too, block
// by block in each run. The arithmetic stays float32 (algorithms A14).
#include <array>
#include <cmath>

#include "engine/base/text.hpp"
#include "engine/quant/activation_blocks.hpp"
#include "engine/quant/formats/mx.hpp"
#include "engine/quant/schemes/scheme.hpp"
#include "engine/quant/stored_blocks.hpp"
#include "engine/quant/weights_for_node.hpp"

namespace titrate::engine {
namespace {

// An int8 code is worth code / 64: its scale is stored divided by that.
constexpr int int8_fraction_bits = 6;

bool needs_calibration(const Scheme&) { return false; }
std::optional<std::string> refusal(const Graph&, const Node&, const Scheme&) { return std::nullopt; }
Scheme effective(const Scheme& scheme, std::int64_t) { return scheme; }

bool is_six_bit(MxFormat format) { return format == MxFormat::fp6_e3m2 || format == MxFormat::fp6_e2m3; }

// The ONNX type that holds the elements; every value of six bits is one of E4M3 too.
DataType stored_type(MxFormat format) {
  switch (format) {
    case MxFormat::fp8_e5m2:
      return DataType::float8e5m2;
    case MxFormat::fp4:
      return DataType::float4e2m1;
    case MxFormat::int8:
      return DataType::int8;
    case MxFormat::fp8_e4m3:
    case MxFormat::fp6_e3m2:
    case MxFormat::fp6_e2m3:
      break;
  }
  return DataType::float8e4m3fn;
}

StoredValue write_weights(GraphRewriter& rewriter, const std::string& name, MxMatrix matrix, const MxScheme& scheme) {
  const BlockCodes codes{.rows = matrix.rows, .columns = matrix.columns, .block = mx_block, .codes = matrix.codes};
  if (is_six_bit(scheme.format)) {
    std::array<std::uint8_t, 64> eight{};
    for (std::size_t six = 0; six < eight.size(); ++six)
      eight[six] = encode(float8e4m3fn, decode(*mx_element(scheme.format).codes, static_cast<std::uint8_t>(six)));
    for (std::uint8_t& code : matrix.codes) code = eight[code];
  }
  if (scheme.format == MxFormat::int8) {
    for (std::uint8_t& scale : matrix.scales) scale = static_cast<std::uint8_t>(scale - int8_fraction_bits);
  }
  if (scheme.format == MxFormat::fp4 && scheme.storage == Float4Storage::table) {
    std::array<float, 16> levels{};
    for (std::size_t code = 0; code < levels.size(); ++code) levels[code] = decode(float4e2m1, static_cast<std::uint8_t>(code));
    const StoredValue scales = store_power_scales(rewriter, name, matrix.scales, looked_up_scale_shape(codes));
    const StoredValue stored = look_up_blocks(rewriter, name, codes, levels, scales.value);
    return {.value = stored.value, .bytes = stored.bytes + scales.bytes};
  }
  const StoredValue scales = store_power_scales(rewriter, name, matrix.scales, dequantized_scale_shape(codes));
  const StoredValue stored = dequantize_blocks(rewriter, name, codes, stored_type(scheme.format), scales.value);
  return {.value = stored.value, .bytes = stored.bytes + scales.bytes};
}

// A search needs the errors of all candidates, so activations take the rule that is best on normal numbers: by 0.2 dB and more for fp4 and
// the fp8 formats, of which E4M3 saturates least with rceil.
MxRule activation_rule(const MxScheme& scheme) {
  if (scheme.rule != MxRule::best) return scheme.rule;
  return scheme.format == MxFormat::fp8_e4m3 || scheme.format == MxFormat::fp8_e5m2 ? MxRule::rceil : MxRule::even;
}

// 2^exponent of each block in float32. A Cast to float8e8m0 that rounds down takes the exponent from the bits.
ValueId block_scales(GraphRewriter& rewriter, const std::string& name, ValueId largest, const MxElement& element, MxRule rule) {
  const auto constant = [&](const std::string& suffix, double number) {
    return rewriter.add_constant(name + suffix, Tensor::scalar(static_cast<float>(number)));
  };
  const ValueId shifted = rewriter.add_node(
      "Mul", name + "_shift", {largest, constant("_least_power", std::ldexp(1.0, -element.largest_exponent))}, name + "_shifted");
  const ValueId power =
      rewriter.add_node("Cast", name + "_floor", {shifted}, name + "_power",
                        {attribute("to", static_cast<std::int64_t>(DataType::float8e8m0)), attribute("round_mode", std::string("down"))});
  const ValueId floor = rewriter.add_node("Cast", name + "_Cast", {power}, name + "_floor_scale",
                                          {attribute("to", static_cast<std::int64_t>(DataType::float32))});
  if (rule == MxRule::floor) return floor;
  // One power more from where the rule says; powers of two times numbers of few bits are exact.
  const bool even = rule == MxRule::even;
  const double from =
      even ? std::ldexp(2 - std::ldexp(0.5, -element.mantissa_bits), element.largest_exponent) : static_cast<double>(element.largest);
  const ValueId border = rewriter.add_node("Mul", name + "_limit", {floor, constant("_most", from)}, name + "_border");
  const ValueId above = even ? rewriter.add_node("Less", name + "_Less", {largest, border}, name + "_fits")
                             : rewriter.add_node("Greater", name + "_Greater", {largest, border}, name + "_exceeds");
  const ValueId twice = rewriter.add_node("Mul", name + "_twice", {floor, constant("_two", 2)}, name + "_next_scale");
  const std::vector<ValueId> choice = even ? std::vector<ValueId>{above, floor, twice} : std::vector<ValueId>{above, twice, floor};
  return rewriter.add_node("Where", name + "_Where", choice, name + "_scale");
}

ValueId round_input(GraphRewriter& rewriter, const Node& node, const MxScheme& scheme) {
  const MxElement& element = mx_element(scheme.format);
  const std::string name = node.name + "_input";
  rewriter.require_opset(24);
  ActivationBlocks cut(rewriter, node, mx_block, name);
  ValueId scales = block_scales(rewriter, name, cut.largest_magnitudes(), element, activation_rule(scheme));
  ValueId blocks = cut.blocks();
  if (scheme.format == MxFormat::int8) {
    const ValueId step = rewriter.add_constant(name + "_step", Tensor::scalar(std::ldexp(1.0F, -int8_fraction_bits)));
    scales = rewriter.add_node("Mul", name + "_steps", {scales, step}, name + "_step_scale");
    // -128 is no code of the format.
    const ValueId least = rewriter.add_constant(name + "_least_code", Tensor::scalar(-127.0F));
    const ValueId lowest = rewriter.add_node("Mul", name + "_lowest", {scales, least}, name + "_lowest_number");
    blocks = rewriter.add_node("Max", name + "_Max", {blocks, lowest}, name + "_bounded");
  }
  return cut.join(cut.round(blocks, scales, stored_type(scheme.format)));
}

// The input rounded, or as it is where ONNX cannot say it.
ValueId input_of(GraphRewriter& rewriter, const Node& node, const MxScheme& scheme, NodeDecision& decision) {
  std::optional<std::string> refusal = block_refusal(rewriter.graph(), node);
  if (is_six_bit(scheme.format)) refusal = "no ONNX operator rounds to 6 bits";
  if (refusal) {
    decision.remark(cat("activations stay float: ", *refusal));
    return node.inputs[0];
  }
  if (scheme.format == MxFormat::fp4 && scheme.storage == Float4Storage::table) decision.remark(std::string(no_float4_kernel));
  if (scheme.rule == MxRule::best)
    decision.remark(cat("scales of activations by the rule ", activation_rule(scheme) == MxRule::even ? "even" : "rceil"));
  return round_input(rewriter, node, scheme);
}

void apply(SchemeContext& context, Assignment& assignment) {
  GraphRewriter& rewriter = context.rewriter;
  const auto& scheme = std::get<MxScheme>(assignment.scheme);
  const Node node = rewriter.graph().nodes[assignment.node];
  const std::string name = rewriter.graph()[node.inputs[weight_input(node)]].name;
  const MxElement& element = mx_element(scheme.format);
  const WeightMatrix weights = weight_matrix_of(rewriter.graph(), node);
  MxMatrix matrix = quantize_mx(weights, element, scheme.rule, scheme.format == MxFormat::int8 ? int8_fraction_bits : 0);
  const Energies sums = energies(weights, dequantized(matrix, element));
  NodeDecision& decision = assignment.decision;
  decision.weight_sqnr_db = signal_to_noise_db(sums.signal, sums.noise);
  if (is_six_bit(scheme.format)) decision.remark("ONNX has no type of 6 bits: stored exactly in float8e4m3fn");
  if (scheme.format == MxFormat::fp4 && scheme.storage == Float4Storage::type) decision.remark(std::string(no_float4_kernel));
  const bool rounds_input = !scheme.weights_only && !is_lookup(node);
  const ValueId input = rounds_input ? input_of(rewriter, node, scheme, decision) : ValueId::none;
  const StoredValue stored = write_weights(rewriter, name, std::move(matrix), scheme);
  decision.stored_bytes = stored.bytes;
  replace_weights(rewriter, assignment.node, stored.value, weights);
  if (rounds_input) rewriter.graph().nodes[assignment.node].inputs[0] = input;
}

}  // namespace

const QuantizerRow mx_scheme{"mx", needs_calibration, refusal, effective, apply};

}  // namespace titrate::engine
