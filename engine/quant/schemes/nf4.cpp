// NF4: weights in four bits that name quantiles of the normal distribution; the node computes in float.
#include "engine/quant/formats/nf4.hpp"
#include "engine/quant/schemes/scheme.hpp"
#include "engine/quant/stored_blocks.hpp"
#include "engine/quant/weights_for_node.hpp"

namespace titrate::engine {
namespace {

bool needs_calibration(const Scheme&) { return false; }
std::optional<std::string> refusal(const Graph&, const Node&, const Scheme&) { return std::nullopt; }

Scheme effective(const Scheme& scheme, std::int64_t columns) {
  Nf4Scheme nf4 = std::get<Nf4Scheme>(scheme);
  if (nf4.group_size >= columns) nf4.group_size = -1;
  return nf4;
}

void apply(SchemeContext& context, Assignment& assignment) {
  GraphRewriter& rewriter = context.rewriter;
  const Node node = rewriter.graph().nodes[assignment.node];
  const std::string name = rewriter.graph()[node.inputs[weight_input(node)]].name;
  const WeightMatrix weights = weight_matrix_of(rewriter.graph(), node);
  const Nf4Matrix matrix = quantize_nf4(weights, std::get<Nf4Scheme>(assignment.scheme).group_size);
  const Energies sums = energies(weights, dequantized(matrix));
  const BlockCodes codes{.rows = matrix.rows, .columns = matrix.columns, .block = matrix.group, .codes = matrix.codes};
  const StoredValue scales = store_scales(rewriter, name, matrix.scales, looked_up_scale_shape(codes));
  const StoredValue stored = look_up_blocks(rewriter, name, codes, nf4_levels, scales.value);
  NodeDecision& decision = assignment.decision;
  decision.weight_sqnr_db = signal_to_noise_db(sums.signal, sums.noise);
  decision.stored_bytes = stored.bytes + scales.bytes;
  decision.remark("ONNX has no NF4 type: stored in uint4, looked up in a table");
  replace_weights(rewriter, assignment.node, stored.value, weights);
}

}  // namespace

const QuantizerRow nf4_scheme{"nf4", needs_calibration, refusal, effective, apply};

}  // namespace titrate::engine
