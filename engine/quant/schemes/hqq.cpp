// HQQ: zero points by half-quadratic splitting, without data; with data the layer's output decides.
#include "engine/quant/weights/hqq.hpp"
#include "engine/quant/schemes/weight_only.hpp"

namespace titrate::engine {
namespace {

// What rounding to nearest on the best of its grids has; a search that cannot do worse begins with it.
RoundToNearest grid(const Scheme& scheme) {
  const auto& own = std::get<HqqScheme>(scheme);
  return {.bits = own.bits, .mode = WeightMode::asymmetric, .group_size = own.group_size, .search_clip = true};
}

std::optional<std::string> improve(const LayerProblem& problem, const Scheme& scheme, QuantizedMatrix& quantized) {
  const auto& own = std::get<HqqScheme>(scheme);
  double least = output_error(problem, quantized);
  for (const double power : {squared_errors, sparse_errors}) {
    QuantizedMatrix candidate = hqq(problem.target, own.bits, own.group_size, power);
    const double error = output_error(problem, candidate);
    if (!(error < least)) continue;
    least = error;
    quantized = std::move(candidate);
  }
  return std::nullopt;
}

void apply(SchemeContext& context, Assignment& assignment) {
  const auto& own = std::get<HqqScheme>(assignment.scheme);
  const Graph& graph = context.rewriter.graph();
  const Node& node = graph.nodes[assignment.node];
  assignment.decision.remark("zero points are rounded: ONNX stores integers");
  if (context.solutions.contains(node.name)) return apply_solution(context, assignment, own.bits);
  const WeightMatrix weights = weight_matrix_of(graph, node);
  store_weight_only(context, assignment, weights, hqq(weights, own.bits, own.group_size, squared_errors), own.bits);
}

constexpr WeightSolver solver{.grid = grid, .improve = improve, .needs_data = false};

}  // namespace

const QuantizerRow hqq_scheme{"hqq", needs_no_statistics, refuses_nothing, with_acting_group<HqqScheme>, apply, &solver};

}  // namespace titrate::engine
