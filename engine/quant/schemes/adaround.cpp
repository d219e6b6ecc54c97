// AdaRound: rounding up or down is learned for each weight.
#include "engine/quant/weights/adaround.hpp"
#include "engine/quant/schemes/weight_only.hpp"
#include "engine/quant/weights/refine.hpp"

namespace titrate::engine {
namespace {

std::optional<std::string> improve(const LayerProblem& problem, const Scheme& scheme, QuantizedMatrix& quantized) {
  adaround(problem, std::get<AdaRoundScheme>(scheme).iterations, quantized);
  refine(problem, refining_damp, refining_rounds, quantized);
  return std::nullopt;
}

void apply(SchemeContext& context, Assignment& assignment) {
  apply_solution(context, assignment, std::get<AdaRoundScheme>(assignment.scheme).bits);
}

constexpr WeightSolver solver{.grid = usual_grid<AdaRoundScheme>, .improve = improve};

}  // namespace

const QuantizerRow adaround_scheme{"adaround", needs_no_statistics, refuses_nothing, with_acting_group<AdaRoundScheme>, apply, &solver};

}  // namespace titrate::engine
