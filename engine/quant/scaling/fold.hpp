// Multiplying a value channel by channel without a node for it: the factors are brought into the constants of what makes the value
// (algorithms B2, B3, B9).
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/graph/graph.hpp"

namespace titrate::engine {

/// Where factors for the channels of a value can go.
struct Fold {
  /// The node whose own constants take the factors: Conv, Gemm, MatMul, LayerNormalization, Mul, Div.
  std::size_t producer = 0;
  /// Nodes between that hand the factors through: those that are positively homogeneous, and Add or Sub of a constant.
  std::vector<std::size_t> between;
  std::int64_t axis = 0;  ///< of the channels in the value, from the front
};

/// The way up from `value`, whose channels lie along `axis`; nothing if there is none. Every value on the way must have one reader alone;
/// `value` itself may have any number.
[[nodiscard]] std::optional<Fold> find_fold(const Graph& graph, const Uses& uses, ValueId value, std::int64_t axis);

/// Multiplies the value by the factors, all above 0. Constants that change are replaced by new ones.
void fold_into(Graph& graph, NameSource& names, const Fold& fold, std::span<const float> factors);

/// The weights of a layer with input channel j multiplied by factors[j].
void scale_input_channels(Graph& graph, NameSource& names, std::size_t node, std::span<const float> factors);

}  // namespace titrate::engine
