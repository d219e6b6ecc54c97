// HQQ: zero points by half-quadratic splitting, without data.
#include "engine/quant/weights/hqq.hpp"
#include "engine/quant/schemes/weight_only.hpp"

namespace titrate::engine {
namespace {

bool needs_calibration(const Scheme&) { return false; }
std::optional<std::string> refusal(const Graph&, const Node&, const Scheme&) { return std::nullopt; }

Scheme effective(const Scheme& scheme, std::int64_t columns) {
  HqqScheme own = std::get<HqqScheme>(scheme);
  own.group_size = acting_group_size(own.group_size, columns);
  return own;
}

void apply(SchemeContext& context, Assignment& assignment) {
  const auto& own = std::get<HqqScheme>(assignment.scheme);
  const Graph& graph = context.rewriter.graph();
  const WeightMatrix weights = weight_matrix_of(graph, graph.nodes[assignment.node]);
  assignment.decision.remark("zero points are rounded: ONNX stores integers");
  store_weight_only(context, assignment, weights, hqq(weights, own.bits, own.group_size), own.bits);
}

}  // namespace

const QuantizerRow hqq_scheme{"hqq", needs_calibration, refusal, effective, apply};

}  // namespace titrate::engine
