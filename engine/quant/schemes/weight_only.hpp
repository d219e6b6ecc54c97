// What all schemes share that only store weights in few bits: the node computes in float.
#pragma once

#include "engine/quant/schemes/scheme.hpp"

namespace titrate::engine {

/// A group that is no smaller than a row is the row.
[[nodiscard]] constexpr int acting_group_size(int group_size, std::int64_t columns) { return group_size >= columns ? -1 : group_size; }

/// Stores the codes and makes the node read them; fills in the decision.
void store_weight_only(SchemeContext& context, Assignment& assignment, const WeightMatrix& weights, const QuantizedMatrix& quantized,
                       int bits);

/// For schemes whose codes were found before: takes those of the node. Throws Error(invalid) if there are none.
void apply_solution(SchemeContext& context, Assignment& assignment, int bits);

}  // namespace titrate::engine
