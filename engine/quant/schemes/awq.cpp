// AWQ: weights whose input channels were scaled before (engine/quant/stages/awq.cpp), rounded to nearest within ranges that the layer's
// output chooses.
#include "engine/quant/schemes/weight_only.hpp"
#include "engine/quant/weights/search_ranges.hpp"

namespace titrate::engine {
namespace {

std::optional<std::string> improve(const LayerProblem& problem, const Scheme& scheme, QuantizedMatrix& quantized) {
  if (std::get<AwqScheme>(scheme).clip == Clip::mse) search_ranges(problem, usual_grid<AwqScheme>(scheme), quantized);
  return std::nullopt;
}

void apply(SchemeContext& context, Assignment& assignment) {
  apply_solution(context, assignment, std::get<AwqScheme>(assignment.scheme).bits);
}

constexpr WeightSolver solver{.grid = usual_grid<AwqScheme>, .improve = improve};

}  // namespace

const QuantizerRow awq_scheme{"awq", needs_no_statistics, refuses_nothing, with_acting_group<AwqScheme>, apply, &solver};

}  // namespace titrate::engine
