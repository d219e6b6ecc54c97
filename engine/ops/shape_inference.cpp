#include "engine/ops/shape_inference.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

namespace titrate::engine::ops {

void check_type(const InferRequest& request, std::size_t index, TypeSet allowed) {
  const DataType type = request.type(index);
  if (!allowed.has(type))
    request.refuse(cat("input ", index, " has elements of type ", name_of(type), ", which the operator does not take"));
}

DataType common_type(const InferRequest& request, std::span<const std::size_t> indices) {
  DataType common = DataType::undefined;
  for (const std::size_t index : indices) {
    const DataType type = request.type(index);
    if (type == DataType::undefined) continue;
    if (common != DataType::undefined && common != type) {
      request.refuse(cat("its inputs have different element types, ", name_of(common), " and ", name_of(type)));
    }
    common = type;
  }
  return common;
}

DataType common_type(const InferRequest& request) {
  std::vector<std::size_t> indices(request.inputs.size());
  std::iota(indices.begin(), indices.end(), std::size_t{0});
  return common_type(request, indices);
}

std::vector<OutputType> like_first_input(const InferRequest& request) {
  return {{.type = request.type(0), .shape = request.need(0).shape}};
}

namespace {

std::int64_t broadcast_size(const InferRequest& request, std::int64_t left, std::int64_t right) {
  if (left == right || right == 1) return left;
  if (left == 1) return right;
  if (left >= 0 && right >= 0) request.refuse(cat("sizes ", left, " and ", right, " do not broadcast"));
  return std::max(left, right);  // an unknown size beside one that is not 1 must be that size (or 1)
}

}  // namespace

std::optional<Shape> broadcast(const InferRequest& request, std::span<const Shape* const> shapes) {
  std::size_t rank = 0;
  for (const Shape* shape : shapes) {
    if (shape == nullptr) return std::nullopt;
    rank = std::max(rank, shape->size());
  }
  Shape result(rank, 1);
  for (const Shape* shape : shapes) {
    const std::size_t missing = rank - shape->size();
    for (std::size_t axis = 0; axis < shape->size(); ++axis) {
      result[missing + axis] = broadcast_size(request, result[missing + axis], (*shape)[axis]);
    }
  }
  return result;
}

std::optional<Shape> broadcast(const InferRequest& request) {
  std::vector<const Shape*> shapes;
  for (std::size_t index = 0; index < request.inputs.size(); ++index) {
    (void)request.need(index);
    shapes.push_back(request.shape(index));
  }
  return broadcast(request, shapes);
}

IntegerList integer_list(const InferRequest& request, std::string_view attribute, std::size_t index, std::int64_t input_since) {
  IntegerList list;
  if (request.opset < input_since) {
    list.given = request.node.find(attribute) != nullptr;
    if (list.given) list.numbers = request.node.integers(attribute);
    return list;
  }
  list.given = request.has(index);
  if (!list.given) return list;
  check_type(request, index, index_types);
  const auto numbers = request.integers(index);
  list.known = numbers.has_value();
  if (numbers) list.numbers = *numbers;
  return list;
}

std::vector<bool> axis_flags(const InferRequest& request, std::span<const std::int64_t> axes, std::size_t rank) {
  std::vector<bool> flags(rank, false);
  for (const std::size_t axis : axis_list(request, axes, rank)) flags[axis] = true;
  return flags;
}

std::vector<std::size_t> axis_list(const InferRequest& request, std::span<const std::int64_t> axes, std::size_t rank) {
  std::vector<std::size_t> list;
  std::vector<bool> seen(rank, false);
  for (const std::int64_t given : axes) {
    const std::size_t axis = request.axis(given, rank);
    if (seen[axis]) request.refuse(cat("axis ", given, " is named twice"));
    seen[axis] = true;
    list.push_back(axis);
  }
  return list;
}

bool all_known(const Shape& shape) {
  return std::all_of(shape.begin(), shape.end(), [](std::int64_t size) { return size >= 0; });
}

Shape unknown_sizes(std::size_t rank) { return Shape(rank, -1); }

std::int64_t add_sizes(const InferRequest& request, std::int64_t left, std::int64_t right) {
  std::int64_t sum = 0;
  if (__builtin_add_overflow(left, right, &sum)) request.refuse(cat("the size ", left, " + ", right, " is too large"));
  return sum;
}

std::int64_t multiply_sizes(const InferRequest& request, std::int64_t left, std::int64_t right) {
  std::int64_t product = 0;
  if (__builtin_mul_overflow(left, right, &product)) request.refuse(cat("the size ", left, " * ", right, " is too large"));
  return product;
}

DataType type_attribute(const InferRequest& request, std::string_view attribute, DataType absent) {
  const std::int64_t number = request.node.integer(attribute, static_cast<std::int64_t>(absent));
  const bool fits = number >= 0 && number <= std::numeric_limits<std::int32_t>::max();
  const auto type = fits ? static_cast<DataType>(number) : DataType::undefined;
  if (bits_of(type) == 0 && type != DataType::string)
    request.refuse(cat("attribute '", attribute, "' names the element type ", number, ", which does not exist"));
  return type;
}

}  // namespace titrate::engine::ops
