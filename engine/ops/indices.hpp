// Indices from tensors, checked: negative ones count from the end, others outside the axis are refused.
#pragma once

#include <vector>

#include "engine/ops/operator.hpp"

namespace titrate::engine::ops {

/// The product of sizes [begin, end) of a known shape.
[[nodiscard]] std::int64_t size_between(const Shape& shape, std::size_t begin, std::size_t end);

/// The indices of an int32 or int64 tensor, each brought into [0, size); throws Error(invalid) for others.
[[nodiscard]] std::vector<std::int64_t> checked_indices(const Tensor& indices, std::int64_t size);

/// GatherElements, ScatterElements: for each element of `indices` the offset in data of the element at the same position, but at the
/// index along `axis`.
[[nodiscard]] std::vector<std::int64_t> element_places(const Shape& data, const Tensor& indices, std::size_t axis);

/// GatherND, ScatterND: for each tuple along the last axis of `indices` the offset in data of the part it names; the first `batch` axes
/// are shared.
[[nodiscard]] std::vector<std::int64_t> tuple_places(const Shape& data, const Tensor& indices, std::size_t batch);

/// Refuses indices whose rank differs or whose sizes exceed the data's beside `axis`, as far as they are known.
void check_inside(const InferRequest& request, const Shape& indices, const Shape& data, std::size_t axis);

}  // namespace titrate::engine::ops
