// AWQ: round to nearest of weights whose input channels were scaled before (engine/quant/stages/awq.cpp).
#include "engine/quant/schemes/weight_only.hpp"

namespace titrate::engine {
namespace {

bool needs_calibration(const Scheme&) { return false; }
std::optional<std::string> refusal(const Graph&, const Node&, const Scheme&) { return std::nullopt; }

Scheme effective(const Scheme& scheme, std::int64_t columns) {
  AwqScheme own = std::get<AwqScheme>(scheme);
  own.group_size = acting_group_size(own.group_size, columns);
  return own;
}

RoundToNearest grid(const Scheme& scheme) {
  const auto& own = std::get<AwqScheme>(scheme);
  return {.bits = own.bits,
          .mode = own.sym ? WeightMode::narrow : WeightMode::asymmetric,
          .group_size = own.group_size,
          .search_clip = own.clip == Clip::mse};
}

void apply(SchemeContext& context, Assignment& assignment) {
  const Graph& graph = context.rewriter.graph();
  const WeightMatrix weights = weight_matrix_of(graph, graph.nodes[assignment.node]);
  const QuantizedMatrix quantized = quantize_weights(weights, grid(assignment.scheme));
  store_weight_only(context, assignment, weights, quantized, std::get<AwqScheme>(assignment.scheme).bits);
}

constexpr WeightSolver solver{.grid = grid, .improve = nullptr};

}  // namespace

const QuantizerRow awq_scheme{"awq", needs_calibration, refusal, effective, apply, &solver};

}  // namespace titrate::engine
