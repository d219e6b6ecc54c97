// Weight-only round to nearest: the node computes in float, its weights are stored in few bits.
#include <algorithm>
#include <bit>

#include "engine/base/text.hpp"
#include "engine/quant/matmul_nbits.hpp"
#include "engine/quant/round_to_nearest.hpp"
#include "engine/quant/schemes/scheme.hpp"
#include "engine/quant/stored_weights.hpp"

namespace titrate::engine {
namespace {

bool needs_calibration(const Scheme&) { return false; }
std::optional<std::string> refusal(const Graph&, const Node&, const Scheme&) { return std::nullopt; }

Scheme effective(const Scheme& scheme, std::int64_t columns) {
  RtnScheme rtn = std::get<RtnScheme>(scheme);
  if (rtn.group_size >= columns) rtn.group_size = -1;
  return rtn;
}

RoundToNearest method_of(const RtnScheme& scheme) {
  const WeightMode symmetric = scheme.full_range ? WeightMode::signed_max : WeightMode::narrow;
  return {.bits = scheme.bits,
          .mode = scheme.sym ? symmetric : WeightMode::asymmetric,
          .group_size = scheme.group_size,
          .search_clip = scheme.clip == Clip::mse};
}

// A Gemm that reads its weights row by row needs no Transpose behind the stored blocks.
bool read_rows_first(GraphRewriter& rewriter, std::size_t index) {
  Node& node = rewriter.graph().nodes[index];
  if (node.type == "Gemm") node.set("transB", std::int64_t{1});
  return node.type != "MatMul";
}

void apply(SchemeContext& context, Assignment& assignment) {
  GraphRewriter& rewriter = context.rewriter;
  const auto& scheme = std::get<RtnScheme>(assignment.scheme);
  const Node node = rewriter.graph().nodes[assignment.node];
  const WeightMatrix weights = weight_matrix_of(rewriter.graph(), node);
  const QuantizedMatrix quantized = quantize_weights(weights, method_of(scheme));
  const Energies sums = energies(weights, quantized);
  NodeDecision& decision = assignment.decision;
  decision.weight_sqnr_db = signal_to_noise_db(sums.signal, sums.noise);
  const int stored_bits = bits_of(storage_type(quantized.range));
  if (stored_bits != scheme.bits)
    decision.remark(cat("ONNX has no type of ", scheme.bits, " bits: stored in ", name_of(storage_type(quantized.range))));
  if (context.form == WeightForm::nbits) {
    if (const auto refused = matmul_nbits_refusal(rewriter.graph(), node, quantized)) {
      decision.remark(cat("stored as QDQ: ", *refused));
    } else {
      decision.stored_bytes = write_matmul_nbits(rewriter, assignment.node, quantized);
      return;
    }
  }
  Shape shape = rewriter.graph().constant_input(node, 1)->shape();
  const bool rows_first = read_rows_first(rewriter, assignment.node);
  if (node.type == "Gemm") shape = {weights.rows, weights.columns};
  const StoredWeights stored = store_weights(rewriter, node, quantized, shape, rows_first, true);
  rewriter.graph().nodes[assignment.node].inputs[1] = stored.value;
  decision.stored_bytes = stored.bytes;
}

}  // namespace

const QuantizerRow rtn_scheme{"rtn", needs_calibration, refusal, effective, apply};

}  // namespace titrate::engine
