// NVFP4: weights in blocks of 16 E2M1 numbers with E4M3 scales; unless weights_only the inputs are rounded so too, their tensor scale from
// calibration, their block scales found in each run. The arithmetic stays float32 (algorithms A15).
#include <array>
#include <cmath>

#include "engine/base/float8.hpp"
#include "engine/base/text.hpp"
#include "engine/quant/activation_blocks.hpp"
#include "engine/quant/formats/nvfp4.hpp"
#include "engine/quant/schemes/scheme.hpp"
#include "engine/quant/stored_blocks.hpp"
#include "engine/quant/weights_for_node.hpp"

namespace titrate::engine {
namespace {

bool needs_calibration(const Scheme& scheme) { return !std::get<Nvfp4Scheme>(scheme).weights_only; }
std::optional<std::string> refusal(const Graph&, const Node&, const Scheme&) { return std::nullopt; }
Scheme effective(const Scheme& scheme, std::int64_t) { return scheme; }

StoredValue write_weights(GraphRewriter& rewriter, const std::string& name, const Nvfp4Matrix& matrix, Float4Storage storage) {
  const BlockCodes codes{.rows = matrix.rows, .columns = matrix.columns, .block = nvfp4_block, .codes = matrix.codes};
  if (storage == Float4Storage::type) {
    const StoredValue scales = store_float8_scales(rewriter, name, matrix.scales, dequantized_scale_shape(codes), matrix.tensor_scale);
    const StoredValue stored = dequantize_blocks(rewriter, name, codes, DataType::float4e2m1, scales.value);
    return {.value = stored.value, .bytes = stored.bytes + scales.bytes};
  }
  std::array<float, 16> levels{};
  for (std::size_t code = 0; code < levels.size(); ++code) levels[code] = decode(float4e2m1, static_cast<std::uint8_t>(code));
  const StoredValue scales = store_float8_scales(rewriter, name, matrix.scales, looked_up_scale_shape(codes), matrix.tensor_scale);
  const StoredValue stored = look_up_blocks(rewriter, name, codes, levels, scales.value);
  return {.value = stored.value, .bytes = stored.bytes + scales.bytes};
}

// Block scale = E4M3(largest / (6 * tensor scale)) * tensor scale, at least the least subnormal.
ValueId block_scales(GraphRewriter& rewriter, const std::string& name, ValueId largest, float tensor_scale) {
  const auto constant = [&](const std::string& suffix, float number) {
    return rewriter.add_constant(name + suffix, Tensor::scalar(number));
  };
  const ValueId zero_point = rewriter.add_constant(name + "_zero_point", Tensor::zeros(DataType::float8e4m3fn, {}));
  rewriter.require_opset(19);
  const ValueId codes =
      rewriter.add_node("QuantizeLinear", name + "_scale_QuantizeLinear",
                        {largest, constant("_sixfold_scale", float4e2m1.largest * tensor_scale), zero_point}, name + "_scale_code");
  const ValueId rounded = rewriter.add_node("DequantizeLinear", name + "_scale_DequantizeLinear",
                                            {codes, constant("_tensor_scale", tensor_scale), zero_point}, name + "_rounded_scale");
  const ValueId least = constant("_least_scale", nvfp4_scale(1, tensor_scale));
  return rewriter.add_node("Max", name + "_Max", {rounded, least}, name + "_block_scale");
}

ValueId round_input(GraphRewriter& rewriter, const Node& node, float tensor_scale) {
  const std::string name = node.name + "_input";
  ActivationBlocks cut(rewriter, node, nvfp4_block, name);
  const ValueId scales = block_scales(rewriter, name, cut.largest_magnitudes(), tensor_scale);
  return cut.join(cut.round(cut.blocks(), scales, DataType::float4e2m1));
}

void apply(SchemeContext& context, Assignment& assignment) {
  GraphRewriter& rewriter = context.rewriter;
  const auto& scheme = std::get<Nvfp4Scheme>(assignment.scheme);
  const Node node = rewriter.graph().nodes[assignment.node];
  const std::string name = rewriter.graph()[node.inputs[weight_input(node)]].name;
  const WeightMatrix weights = weight_matrix_of(rewriter.graph(), node);
  const Nvfp4Matrix matrix = quantize_nvfp4(weights, scheme.rule == Nvfp4Rule::best);
  const Energies sums = energies(weights, dequantized(matrix));
  NodeDecision& decision = assignment.decision;
  decision.weight_sqnr_db = signal_to_noise_db(sums.signal, sums.noise);
  const bool weights_alone = scheme.weights_only || is_lookup(node);
  const auto cut_refusal = weights_alone ? std::nullopt : block_refusal(rewriter.graph(), node);
  const bool rounds_input = !weights_alone && !cut_refusal;
  if (scheme.storage == Float4Storage::type || rounds_input) decision.remark(std::string(no_float4_kernel));
  if (cut_refusal) decision.remark(cat("activations stay float: ", *cut_refusal));
  ValueId input = node.inputs[0];
  if (rounds_input) input = round_input(rewriter, node, nvfp4_tensor_scale(context.placement.largest_magnitudes.at(input)));
  const StoredValue stored = write_weights(rewriter, name, matrix, scheme.storage);
  decision.stored_bytes = stored.bytes;
  replace_weights(rewriter, assignment.node, stored.value, weights);
  if (rounds_input) rewriter.graph().nodes[assignment.node].inputs[0] = input;
}

}  // namespace

const QuantizerRow nvfp4_scheme{"nvfp4", needs_calibration, refusal, effective, apply};

}  // namespace titrate::engine
