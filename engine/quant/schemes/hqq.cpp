// HQQ: zero points by half-quadratic splitting, without data.
#include "engine/quant/weights/hqq.hpp"
#include "engine/quant/schemes/weight_only.hpp"

namespace titrate::engine {
namespace {

void apply(SchemeContext& context, Assignment& assignment) {
  const auto& own = std::get<HqqScheme>(assignment.scheme);
  const Graph& graph = context.rewriter.graph();
  const WeightMatrix weights = weight_matrix_of(graph, graph.nodes[assignment.node]);
  assignment.decision.remark("zero points are rounded: ONNX stores integers");
  store_weight_only(context, assignment, weights, hqq(weights, own.bits, own.group_size), own.bits);
}

}  // namespace

const QuantizerRow hqq_scheme{"hqq", needs_no_statistics, refuses_nothing, with_acting_group<HqqScheme>, apply};

}  // namespace titrate::engine
