// Operators that give the same elements another shape: Reshape, Flatten, Squeeze, Unsqueeze.
#include <algorithm>

#include "engine/ops/shape_inference.hpp"
#include "engine/ops/table.hpp"
#include "engine/ops/words.hpp"

namespace titrate::engine::ops {
namespace {

Step prepare_alias(const PrepareRequest&) {
  return [](RunContext& run) { copy_elements(run.in(0), run.out()); };
}

// The product of the sizes, or none if one is unknown.
std::optional<std::int64_t> known_count(const Shape& shape) {
  if (!all_known(shape)) return std::nullopt;
  return element_count(shape);
}

// Replaces 0 by the input's size of that axis (unless allowzero); returns the position of -1, or none.
std::optional<std::size_t> copy_zero_sizes(const InferRequest& request, Shape& sizes, const Shape* input) {
  const bool allow_zero = request.node.integer("allowzero", 0) != 0;
  std::optional<std::size_t> inferred;
  for (std::size_t axis = 0; axis < sizes.size(); ++axis) {
    if (sizes[axis] < -1) request.refuse(cat("the new shape has a size of ", sizes[axis]));
    if (sizes[axis] == -1) {
      if (inferred) request.refuse("the new shape has more than one -1");
      inferred = axis;
    } else if (sizes[axis] == 0 && !allow_zero) {
      if (input != nullptr && axis >= input->size())
        request.refuse(cat("the new shape keeps axis ", axis, ", which the input does not have"));
      sizes[axis] = input == nullptr ? -1 : (*input)[axis];
    }
  }
  return inferred;
}

// What both shapes share without knowing: sizes copied from the input (0) cancel out, so that -1 can often be found although the batch
// is unknown.
std::optional<std::int64_t> inferred_size(const InferRequest& request, const Shape& input, const Shape& asked, const Shape& sizes,
                                          std::size_t at) {
  Shape above = input;
  Shape below;
  for (std::size_t axis = 0; axis < sizes.size(); ++axis) {
    if (axis == at) continue;
    if (asked[axis] == 0 && axis < input.size() && sizes[axis] == input[axis] && input[axis] != 0) {
      above[axis] = 1;
    } else {
      below.push_back(sizes[axis]);
    }
  }
  const auto total = known_count(above);
  const auto rest = known_count(below);
  if (!total || !rest) return std::nullopt;
  if (*rest == 0) {
    if (*total == 0) return 0;
    request.refuse("-1 stands beside a size of 0");
  }
  if (*total % *rest != 0)
    request.refuse(cat("the shape ", to_text(input), " cannot become ", to_text(sizes), ": the sizes do not divide"));
  return *total / *rest;
}

std::vector<OutputType> infer_reshape(const InferRequest& request) {
  check_type(request, 0, movable_types);
  const IntegerList asked = integer_list(request, "shape", 1, 5);
  OutputType output{.type = request.type(0), .shape = std::nullopt};
  if (!asked.given) request.refuse("the new shape is missing");
  if (!asked.known) {
    const Shape* shape = request.shape(1);
    if (shape != nullptr && shape->size() == 1 && (*shape)[0] >= 0 && (*shape)[0] <= 64)
      output.shape = unknown_sizes(static_cast<std::size_t>((*shape)[0]));
    return {output};
  }
  Shape sizes = asked.numbers;
  const Shape* input = request.shape(0);
  const auto inferred = copy_zero_sizes(request, sizes, input);
  if (inferred && input != nullptr) {
    if (const auto size = inferred_size(request, *input, asked.numbers, sizes, *inferred)) sizes[*inferred] = *size;
  }
  if (all_known(sizes) && input != nullptr && all_known(*input) && element_count(sizes) != element_count(*input)) {
    request.refuse(cat("the shape ", to_text(*input), " cannot become ", to_text(sizes)));
  }
  output.shape = sizes;
  return {output};
}

std::int64_t product_or_unknown(const Shape& shape, std::size_t begin, std::size_t end) {
  const Shape part(shape.begin() + static_cast<std::ptrdiff_t>(begin), shape.begin() + static_cast<std::ptrdiff_t>(end));
  return known_count(part).value_or(-1);
}

std::vector<OutputType> infer_flatten(const InferRequest& request) {
  check_type(request, 0, movable_types);
  const std::int64_t given = request.node.integer("axis", 1);
  const Shape* shape = request.shape(0);
  if (shape == nullptr) return {{.type = request.type(0), .shape = unknown_sizes(2)}};
  const auto rank = static_cast<std::int64_t>(shape->size());
  if (given < -rank || given > rank) request.refuse(cat("axis ", given, " is outside the rank ", rank));
  const auto axis = static_cast<std::size_t>(given < 0 ? given + rank : given);
  if (all_known(*shape)) (void)element_count(*shape);
  return {{.type = request.type(0), .shape = Shape{product_or_unknown(*shape, 0, axis), product_or_unknown(*shape, axis, shape->size())}}};
}

std::vector<OutputType> infer_squeeze(const InferRequest& request) {
  check_type(request, 0, movable_types);
  const IntegerList axes = integer_list(request, "axes", 1, 13);
  const Shape* shape = request.shape(0);
  OutputType output{.type = request.type(0), .shape = std::nullopt};
  if (shape == nullptr || !axes.known) return {output};
  // Without axes all sizes of 1 go: the rank is unknown while a size is.
  if (!axes.given && !all_known(*shape)) return {output};
  std::vector<bool> dropped = axis_flags(request, axes.numbers, shape->size());
  output.shape.emplace();
  for (std::size_t axis = 0; axis < shape->size(); ++axis) {
    const std::int64_t size = (*shape)[axis];
    if (!axes.given) dropped[axis] = size == 1;
    if (dropped[axis] && size >= 0 && size != 1) request.refuse(cat("axis ", axis, " has size ", size, ", not 1"));
    if (!dropped[axis]) output.shape->push_back(size);
  }
  return {output};
}

std::vector<OutputType> infer_unsqueeze(const InferRequest& request) {
  check_type(request, 0, movable_types);
  const IntegerList axes = integer_list(request, "axes", 1, 13);
  if (!axes.given) request.refuse("the axes are missing");
  const Shape* shape = request.shape(0);
  OutputType output{.type = request.type(0), .shape = std::nullopt};
  if (shape == nullptr || !axes.known) return {output};
  const std::vector<bool> added = axis_flags(request, axes.numbers, shape->size() + axes.numbers.size());
  output.shape.emplace();
  auto next = shape->begin();
  for (const bool is_new : added) output.shape->push_back(is_new ? 1 : *next++);
  return {output};
}

constexpr OperatorDefinition rows[] = {
    {.type = "Reshape",
     .first_opset = 5,
     .least_inputs = 2,
     .most_inputs = 2,
     .infer = infer_reshape,
     .prepare = prepare_alias,
     .aliases_input = true,
     .shape_inputs = 0b10},
    {.type = "Reshape", .last_opset = 4, .infer = infer_reshape, .prepare = prepare_alias, .aliases_input = true},
    {.type = "Flatten", .infer = infer_flatten, .prepare = prepare_alias, .aliases_input = true},
    {.type = "Squeeze", .most_inputs = 2, .infer = infer_squeeze, .prepare = prepare_alias, .aliases_input = true, .shape_inputs = 0b10},
    {.type = "Unsqueeze",
     .most_inputs = 2,
     .infer = infer_unsqueeze,
     .prepare = prepare_alias,
     .aliases_input = true,
     .shape_inputs = 0b10},
};

}  // namespace

Family reshape() { return rows; }

}  // namespace titrate::engine::ops
