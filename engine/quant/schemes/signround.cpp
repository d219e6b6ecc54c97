// SignRound: offsets and scales are learned by the sign of the gradient.
#include "engine/quant/weights/signround.hpp"
#include "engine/quant/schemes/weight_only.hpp"

namespace titrate::engine {
namespace {

// Of activations: what it needs of a layer's inputs is collected when its weights are solved for.
bool needs_calibration(const Scheme&) { return false; }
std::optional<std::string> refusal(const Graph&, const Node&, const Scheme&) { return std::nullopt; }

Scheme effective(const Scheme& scheme, std::int64_t columns) {
  SignRoundScheme own = std::get<SignRoundScheme>(scheme);
  own.group_size = acting_group_size(own.group_size, columns);
  return own;
}

RoundToNearest grid(const Scheme& scheme) {
  const auto& own = std::get<SignRoundScheme>(scheme);
  return {
      .bits = own.bits, .mode = own.sym ? WeightMode::narrow : WeightMode::asymmetric, .group_size = own.group_size, .search_clip = true};
}

std::optional<std::string> improve(const LayerProblem& problem, const Scheme& scheme, QuantizedMatrix& quantized) {
  signround(problem, std::get<SignRoundScheme>(scheme).iterations, quantized);
  return std::nullopt;
}

void apply(SchemeContext& context, Assignment& assignment) {
  apply_solution(context, assignment, std::get<SignRoundScheme>(assignment.scheme).bits);
}

constexpr WeightSolver solver{.grid = grid, .improve = improve};

}  // namespace

const QuantizerRow signround_scheme{"signround", needs_calibration, refusal, effective, apply, &solver};

}  // namespace titrate::engine
