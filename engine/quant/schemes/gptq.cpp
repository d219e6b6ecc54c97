// GPTQ: codes by error feedback, then refined scales and codes.
#include "engine/quant/weights/gptq.hpp"
#include "engine/quant/schemes/weight_only.hpp"
#include "engine/quant/weights/refine.hpp"

namespace titrate::engine {
namespace {

std::optional<std::string> improve(const LayerProblem& problem, const Scheme& scheme, QuantizedMatrix& quantized) {
  const auto& own = std::get<GptqScheme>(scheme);
  if (!gptq(problem, {.damp = own.damp, .act_order = own.act_order}, quantized)) return "the Hessian of its inputs cannot be factorized";
  refine(problem, own.damp, own.refine, quantized);
  return std::nullopt;
}

void apply(SchemeContext& context, Assignment& assignment) {
  apply_solution(context, assignment, std::get<GptqScheme>(assignment.scheme).bits);
}

constexpr WeightSolver solver{.grid = usual_grid<GptqScheme>, .improve = improve};

}  // namespace

const QuantizerRow gptq_scheme{"gptq", needs_no_statistics, refuses_nothing, with_acting_group<GptqScheme>, apply, &solver};

}  // namespace titrate::engine
