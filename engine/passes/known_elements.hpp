// Follows the elements of small tensors through nodes when only some of them are known: Shape -> Gather -> Concat -> Reshape chains of a
// model with an unknown batch.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "engine/ops/operator.hpp"
#include "engine/passes/infer_shapes.hpp"

namespace titrate::engine {

/// The elements of a node's outputs as far as they follow from what is known of its inputs (null: left out); nothing if none does.
/// Only tensors of at most 1024 elements are followed.
[[nodiscard]] std::optional<std::vector<KnownValue>> known_outputs(const Node& node, std::int64_t opset,
                                                                   std::span<const KnownValue* const> inputs);

/// A better output shape than the row gives where a shape input (of Reshape, Expand, ConstantOfShape) is known in part.
[[nodiscard]] std::optional<Shape> shape_from_partial(const Node& node, std::span<const KnownValue* const> inputs);

}  // namespace titrate::engine
