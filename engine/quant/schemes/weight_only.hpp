// What all schemes share that only store weights in few bits: the node computes in float.
#pragma once

#include <optional>
#include <string>

#include "engine/quant/schemes/scheme.hpp"

namespace titrate::engine {

/// Statistics of activations are not needed: what a scheme must know of a layer's inputs is collected when its weights are solved for.
[[nodiscard]] inline bool needs_no_statistics(const Scheme&) { return false; }
/// Any weights will do.
[[nodiscard]] inline std::optional<std::string> refuses_nothing(const Graph&, const Node&, const Scheme&) { return std::nullopt; }

/// A group that is no smaller than a row is the row.
template <class Own>
[[nodiscard]] Scheme with_acting_group(const Scheme& scheme, std::int64_t columns) {
  Own own = std::get<Own>(scheme);
  if (own.group_size >= columns) own.group_size = -1;
  return own;
}

/// The grid of a scheme with bits, sym, group_size and clip.
template <class Own>
[[nodiscard]] RoundToNearest usual_grid(const Scheme& scheme) {
  const Own& own = std::get<Own>(scheme);
  return {.bits = own.bits,
          .mode = own.sym ? WeightMode::narrow : WeightMode::asymmetric,
          .group_size = own.group_size,
          .search_clip = own.clip == Clip::mse};
}

/// Stores the codes and makes the node read them; fills in the decision.
void store_weight_only(SchemeContext& context, Assignment& assignment, const WeightMatrix& weights, const QuantizedMatrix& quantized,
                       int bits);

/// Stores the weights rounded to nearest, or the codes that were found since (finetuning).
void apply_nearest(SchemeContext& context, Assignment& assignment, const RoundToNearest& grid);

/// Stores the codes that were found before from the layer's inputs. Throws Error(invalid) if there are none.
void apply_solution(SchemeContext& context, Assignment& assignment, int bits);

}  // namespace titrate::engine
