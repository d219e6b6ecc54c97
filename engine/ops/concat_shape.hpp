// The shape of tensors joined along an axis.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "engine/ops/operator.hpp"

namespace titrate::engine::ops {

/// Of the inputs `indices`, as far as it is known: -1 for sizes that are not, none if no shape is. Refuses shapes that differ beside the
/// axis.
[[nodiscard]] std::optional<Shape> concatenation(const InferRequest& request, std::span<const std::size_t> indices, std::int64_t axis);

}  // namespace titrate::engine::ops
