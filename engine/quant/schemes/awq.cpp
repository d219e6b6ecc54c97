// AWQ: round to nearest of weights whose input channels were scaled before (engine/quant/stages/awq.cpp).
#include "engine/quant/schemes/weight_only.hpp"

namespace titrate::engine {
namespace {

void apply(SchemeContext& context, Assignment& assignment) {
  if (is_lookup(context.rewriter.graph().nodes[assignment.node]))
    assignment.decision.remark("rounded to nearest: its rows are looked up, no input is multiplied with them");
  apply_nearest(context, assignment, usual_grid<AwqScheme>(assignment.scheme));
}

constexpr WeightSolver solver{.grid = usual_grid<AwqScheme>, .improve = nullptr};

}  // namespace

const QuantizerRow awq_scheme{"awq", needs_no_statistics, refuses_nothing, with_acting_group<AwqScheme>, apply, &solver};

}  // namespace titrate::engine
