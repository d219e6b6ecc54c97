// GPTQ: codes by error feedback, then refined scales and codes.
#include "engine/quant/weights/gptq.hpp"
#include "engine/quant/schemes/weight_only.hpp"
#include "engine/quant/weights/refine.hpp"

namespace titrate::engine {
namespace {

// Of activations: what it needs of a layer's inputs is collected when its weights are solved for.
bool needs_calibration(const Scheme&) { return false; }
std::optional<std::string> refusal(const Graph&, const Node&, const Scheme&) { return std::nullopt; }

Scheme effective(const Scheme& scheme, std::int64_t columns) {
  GptqScheme own = std::get<GptqScheme>(scheme);
  own.group_size = acting_group_size(own.group_size, columns);
  return own;
}

RoundToNearest grid(const Scheme& scheme) {
  const auto& own = std::get<GptqScheme>(scheme);
  return {.bits = own.bits,
          .mode = own.sym ? WeightMode::narrow : WeightMode::asymmetric,
          .group_size = own.group_size,
          .search_clip = own.clip == Clip::mse};
}

std::optional<std::string> improve(const LayerProblem& problem, const Scheme& scheme, QuantizedMatrix& quantized) {
  const auto& own = std::get<GptqScheme>(scheme);
  if (!gptq(problem, {.damp = own.damp, .act_order = own.act_order}, quantized)) return "the Hessian of its inputs cannot be factorized";
  refine(problem, own.damp, own.refine, quantized);
  return std::nullopt;
}

void apply(SchemeContext& context, Assignment& assignment) {
  apply_solution(context, assignment, std::get<GptqScheme>(assignment.scheme).bits);
}

constexpr WeightSolver solver{.grid = grid, .improve = improve};

}  // namespace

const QuantizerRow gptq_scheme{"gptq", needs_calibration, refusal, effective, apply, &solver};

}  // namespace titrate::engine
