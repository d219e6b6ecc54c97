#include "engine/quant/schemes/weight_only.hpp"

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"
#include "engine/quant/matmul_nbits.hpp"
#include "engine/quant/stored_weights.hpp"

namespace titrate::engine {
namespace {

// A Gemm that reads its weights row by row needs no Transpose behind the stored blocks.
bool read_rows_first(GraphRewriter& rewriter, std::size_t index) {
  Node& node = rewriter.graph().nodes[index];
  if (node.type == "Gemm") node.set("transB", std::int64_t{1});
  return node.type != "MatMul";
}

}  // namespace

void store_weight_only(SchemeContext& context, Assignment& assignment, const WeightMatrix& weights, const QuantizedMatrix& quantized,
                       int bits) {
  GraphRewriter& rewriter = context.rewriter;
  const Node node = rewriter.graph().nodes[assignment.node];
  const Energies sums = energies(weights, quantized);
  NodeDecision& decision = assignment.decision;
  decision.weight_sqnr_db = signal_to_noise_db(sums.signal, sums.noise);
  const DataType stored_type = storage_type(quantized.range);
  if (bits_of(stored_type) != bits) decision.remark(cat("ONNX has no type of ", bits, " bits: stored in ", name_of(stored_type)));
  if (context.form == WeightForm::nbits) {
    if (const auto refused = matmul_nbits_refusal(rewriter.graph(), node, quantized)) {
      decision.remark(cat("stored as QDQ: ", *refused));
    } else {
      decision.stored_bytes = write_matmul_nbits(rewriter, assignment.node, quantized);
      return;
    }
  }
  Shape shape = rewriter.graph().constant_input(node, weight_input(node))->shape();
  const bool rows_first = read_rows_first(rewriter, assignment.node);
  if (node.type == "Gemm") shape = {weights.rows, weights.columns};
  const StoredWeights stored = store_weights(rewriter, node, quantized, shape, rows_first, true);
  rewriter.graph().nodes[assignment.node].inputs[weight_input(node)] = stored.value;
  decision.stored_bytes = stored.bytes;
  if (stored.shared) decision.remark("tied weights: their codes are stored once");
}

void apply_nearest(SchemeContext& context, Assignment& assignment, const RoundToNearest& grid) {
  const Graph& graph = context.rewriter.graph();
  const Node& node = graph.nodes[assignment.node];
  const WeightMatrix weights = weight_matrix_of(graph, node);
  const auto found = context.solutions.find(node.name);
  store_weight_only(context, assignment, weights,
                    found == context.solutions.end() ? quantize_weights(weights, grid) : found->second.quantized, grid.bits);
}

void apply_solution(SchemeContext& context, Assignment& assignment, int bits) {
  const Node& node = context.rewriter.graph().nodes[assignment.node];
  const WeightMatrix weights = weight_matrix_of(context.rewriter.graph(), node);
  const auto found = context.solutions.find(node.name);
  if (found == context.solutions.end()) {
    throw_invalid(cat(scheme_name(assignment.scheme), " needs calibration data"), node.described(),
                  "give samples of the model's inputs with --calibration");
  }
  if (!found->second.remark.empty()) assignment.decision.remark(found->second.remark);
  store_weight_only(context, assignment, weights, found->second.quantized, bits);
}

}  // namespace titrate::engine
