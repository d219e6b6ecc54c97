// Weight-only round to nearest: the node computes in float, its weights are stored in few bits.
#include "engine/quant/schemes/weight_only.hpp"

namespace titrate::engine {
namespace {

RoundToNearest grid(const Scheme& scheme) {
  const auto& rtn = std::get<RtnScheme>(scheme);
  const WeightMode symmetric = rtn.full_range ? WeightMode::signed_max : WeightMode::narrow;
  return {.bits = rtn.bits,
          .mode = rtn.sym ? symmetric : WeightMode::asymmetric,
          .group_size = rtn.group_size,
          .search_clip = rtn.clip == Clip::mse};
}

void apply(SchemeContext& context, Assignment& assignment) { apply_nearest(context, assignment, grid(assignment.scheme)); }

constexpr WeightSolver solver{.grid = grid, .improve = nullptr};

}  // namespace

const QuantizerRow rtn_scheme{"rtn", needs_no_statistics, refuses_nothing, with_acting_group<RtnScheme>, apply, &solver};

}  // namespace titrate::engine
