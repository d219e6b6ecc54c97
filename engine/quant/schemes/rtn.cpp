// Weight-only round to nearest: the node computes in float, its weights are stored in few bits.
#include "engine/quant/schemes/weight_only.hpp"

namespace titrate::engine {
namespace {

bool needs_calibration(const Scheme&) { return false; }
std::optional<std::string> refusal(const Graph&, const Node&, const Scheme&) { return std::nullopt; }

Scheme effective(const Scheme& scheme, std::int64_t columns) {
  RtnScheme rtn = std::get<RtnScheme>(scheme);
  rtn.group_size = acting_group_size(rtn.group_size, columns);
  return rtn;
}

RoundToNearest grid(const Scheme& scheme) {
  const auto& rtn = std::get<RtnScheme>(scheme);
  const WeightMode symmetric = rtn.full_range ? WeightMode::signed_max : WeightMode::narrow;
  return {.bits = rtn.bits,
          .mode = rtn.sym ? symmetric : WeightMode::asymmetric,
          .group_size = rtn.group_size,
          .search_clip = rtn.clip == Clip::mse};
}

void apply(SchemeContext& context, Assignment& assignment) {
  const Graph& graph = context.rewriter.graph();
  const WeightMatrix weights = weight_matrix_of(graph, graph.nodes[assignment.node]);
  const QuantizedMatrix quantized = quantize_weights(weights, grid(assignment.scheme));
  store_weight_only(context, assignment, weights, quantized, std::get<RtnScheme>(assignment.scheme).bits);
}

constexpr WeightSolver solver{.grid = grid, .improve = nullptr};

}  // namespace

const QuantizerRow rtn_scheme{"rtn", needs_calibration, refusal, effective, apply, &solver};

}  // namespace titrate::engine
