// What inference has in common: element types checked, axes brought into range, shapes broadcast; sizes may be -1 (unknown).
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "engine/ops/operator.hpp"
#include "engine/ops/type_dispatch.hpp"

namespace titrate::engine::ops {

/// Refuses an input whose element type is known and not in the set.
void check_type(const InferRequest& request, std::size_t index, TypeSet allowed);
/// Refuses inputs of different element types, as far as they are known; returns the type, undefined if no input says.
DataType common_type(const InferRequest& request, std::span<const std::size_t> indices);
/// The same for all inputs.
DataType common_type(const InferRequest& request);

/// The one output has the type and the shape of the first input.
std::vector<OutputType> like_first_input(const InferRequest& request);
template <TypeSet allowed>
std::vector<OutputType> infer_like_first(const InferRequest& request) {
  check_type(request, 0, allowed);
  return like_first_input(request);
}

/// Numpy's rule, aligned at the last axis; refuses sizes that do not fit. None if a shape is unknown.
std::optional<Shape> broadcast(const InferRequest& request, std::span<const Shape* const> shapes);
/// The broadcast of all inputs.
std::optional<Shape> broadcast(const InferRequest& request);

/// Integers that older opsets give as an attribute and those from `input_since` on as an input. `known` is false while an input is not
/// computed; then `given` says that it is there.
struct IntegerList {
  bool given = false;
  bool known = true;
  std::vector<std::int64_t> numbers;
};
IntegerList integer_list(const InferRequest& request, std::string_view attribute, std::size_t index, std::int64_t input_since);

/// One flag for each axis of the rank; refuses axes outside the rank and axes named twice.
std::vector<bool> axis_flags(const InferRequest& request, std::span<const std::int64_t> axes, std::size_t rank);
/// Axes in [0, rank), in the order given; refuses axes outside the rank and axes named twice.
std::vector<std::size_t> axis_list(const InferRequest& request, std::span<const std::int64_t> axes, std::size_t rank);

/// The input's sizes: its shape must be complete, as it is whenever a step runs.
bool all_known(const Shape& shape);
Shape unknown_sizes(std::size_t rank);
/// a + b and a * b for sizes from a file; refuse what does not fit in 63 bits.
std::int64_t add_sizes(const InferRequest& request, std::int64_t left, std::int64_t right);
std::int64_t multiply_sizes(const InferRequest& request, std::int64_t left, std::int64_t right);
/// An element type from an attribute or `absent`; refuses numbers that are no element type with a size, but strings.
DataType type_attribute(const InferRequest& request, std::string_view attribute, DataType absent);

/// The axis of a step, whose node infer() has checked: brought into [0, rank).
inline std::size_t step_axis(std::int64_t axis, std::int64_t rank) { return static_cast<std::size_t>(axis < 0 ? axis + rank : axis); }

}  // namespace titrate::engine::ops
