// SignRound: offsets and scales are learned by the sign of the gradient.
#include "engine/quant/weights/signround.hpp"
#include "engine/quant/schemes/weight_only.hpp"
#include "engine/quant/weights/refine.hpp"

namespace titrate::engine {
namespace {

// Its own search for ranges begins with those of least squared error.
RoundToNearest grid(const Scheme& scheme) {
  const auto& own = std::get<SignRoundScheme>(scheme);
  return {
      .bits = own.bits, .mode = own.sym ? WeightMode::narrow : WeightMode::asymmetric, .group_size = own.group_size, .search_clip = true};
}

std::optional<std::string> improve(const LayerProblem& problem, const Scheme& scheme, QuantizedMatrix& quantized) {
  signround(problem, std::get<SignRoundScheme>(scheme).iterations, quantized);
  refine(problem, refining_damp, refining_rounds, quantized);
  return std::nullopt;
}

void apply(SchemeContext& context, Assignment& assignment) {
  apply_solution(context, assignment, std::get<SignRoundScheme>(assignment.scheme).bits);
}

constexpr WeightSolver solver{.grid = grid, .improve = improve};

}  // namespace

const QuantizerRow signround_scheme{"signround", needs_no_statistics, refuses_nothing, with_acting_group<SignRoundScheme>, apply, &solver};

}  // namespace titrate::engine
