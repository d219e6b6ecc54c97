// Operators that read where indices say: Gather, GatherElements, GatherND, and OneHot, which writes there.
#include <algorithm>
#include <numeric>

#include "engine/ops/convert.hpp"
#include "engine/ops/indices.hpp"
#include "engine/ops/shape_inference.hpp"
#include "engine/ops/strided_loops.hpp"
#include "engine/ops/table.hpp"
#include "engine/ops/words.hpp"

namespace titrate::engine::ops {
namespace {

std::vector<OutputType> infer_gather(const InferRequest& request) {
  check_type(request, 0, movable_types);
  check_type(request, 1, index_types);
  const Shape* data = request.shape(0);
  const Shape* indices = request.shape(1);
  OutputType output{.type = request.type(0), .shape = std::nullopt};
  const std::int64_t given = request.node.integer("axis", 0);
  if (data == nullptr) return {output};
  const std::size_t axis = request.axis(given, data->size());
  if (indices == nullptr) return {output};
  const auto at = data->begin() + static_cast<std::ptrdiff_t>(axis);
  Shape shape(data->begin(), at);
  shape.insert(shape.end(), indices->begin(), indices->end());
  shape.insert(shape.end(), at + 1, data->end());
  output.shape = std::move(shape);
  return {output};
}

Step prepare_gather(const PrepareRequest& request) {
  return [given = request.node.integer("axis", 0)](RunContext& run) {
    const Shape& shape = run.in(0).shape();
    const std::size_t axis = step_axis(given, run.in(0).rank());
    const std::vector<std::int64_t> indices = checked_indices(run.in(1), shape[axis]);
    const std::int64_t inner = size_between(shape, axis + 1, shape.size());
    const std::int64_t outer = size_between(shape, 0, axis), size = shape[axis];
    with_words(run.in(0), run.out(), [&](const auto& from, const auto& to) {
      auto* place = to.data();
      for (std::int64_t line = 0; line < outer; ++line) {
        const auto* start = from.data() + line * size * inner;
        for (const std::int64_t index : indices) place = std::copy_n(start + index * inner, inner, place);
      }
    });
  };
}

std::vector<OutputType> infer_gather_elements(const InferRequest& request) {
  check_type(request, 0, movable_types);
  check_type(request, 1, index_types);
  const Shape* data = request.shape(0);
  const Shape* indices = request.shape(1);
  if (data != nullptr) {
    const std::size_t axis = request.axis(request.node.integer("axis", 0), data->size());
    if (indices != nullptr) check_inside(request, *indices, *data, axis);
  }
  return {{.type = request.type(0), .shape = request.need(1).shape}};
}

Step prepare_gather_elements(const PrepareRequest& request) {
  return [given = request.node.integer("axis", 0)](RunContext& run) {
    const std::size_t axis = step_axis(given, run.in(0).rank());
    const std::vector<std::int64_t> places = element_places(run.in(0).shape(), run.in(1), axis);
    with_words(run.in(0), run.out(), [&](const auto& from, const auto& to) {
      for (std::size_t index = 0; index < places.size(); ++index) to[index] = from[static_cast<std::size_t>(places[index])];
    });
  };
}

std::vector<OutputType> infer_gather_nd(const InferRequest& request) {
  check_type(request, 0, movable_types);
  check_type(request, 1, index_types);
  const std::int64_t batch = request.node.integer("batch_dims", 0);
  const Shape* data = request.shape(0);
  const Shape* indices = request.shape(1);
  OutputType output{.type = request.type(0), .shape = std::nullopt};
  if (batch < 0) request.refuse("attribute 'batch_dims' is negative");
  if (data == nullptr || indices == nullptr) return {output};
  if (indices->empty()) request.refuse("the indices are a scalar");
  const auto shared = static_cast<std::size_t>(batch);
  if (shared >= indices->size() || shared >= data->size()) request.refuse("attribute 'batch_dims' is not below the ranks of its inputs");
  const std::int64_t length = indices->back();
  if (length < 0) return {output};
  if (length > static_cast<std::int64_t>(data->size() - shared))
    request.refuse(cat("its index tuples have ", length, " numbers, the data fewer axes"));
  for (std::size_t axis = 0; axis < shared; ++axis) {
    const bool known = (*data)[axis] >= 0 && (*indices)[axis] >= 0;
    if (known && (*data)[axis] != (*indices)[axis]) request.refuse("its inputs differ in a batch axis");
  }
  output.shape = Shape(indices->begin(), indices->end() - 1);
  output.shape->insert(output.shape->end(), data->begin() + batch + length, data->end());
  return {output};
}

Step prepare_gather_nd(const PrepareRequest& request) {
  return [batch = static_cast<std::size_t>(request.node.integer("batch_dims", 0))](RunContext& run) {
    const Shape& data = run.in(0).shape();
    const auto length = static_cast<std::size_t>(run.in(1).shape().back());
    const std::int64_t inner = size_between(data, batch + length, data.size());
    const std::vector<std::int64_t> places = tuple_places(data, run.in(1), batch);
    with_words(run.in(0), run.out(), [&](const auto& from, const auto& to) {
      auto* out = to.data();
      for (const std::int64_t place : places) out = std::copy_n(from.data() + place, inner, out);
    });
  };
}

std::vector<OutputType> infer_one_hot(const InferRequest& request) {
  check_type(request, 0, number_types);
  check_type(request, 1, number_types);
  check_type(request, 2, number_types | boolean_type | string_type);
  const Shape* indices = request.shape(0);
  OutputType output{.type = request.type(2), .shape = std::nullopt};
  if (const Shape* values = request.shape(2); values != nullptr && all_known(*values) && element_count(*values) != 2) {
    request.refuse("input 2 must hold the values for off and on");
  }
  if (indices == nullptr) return {output};
  std::int64_t depth = -1;
  if (const Tensor* given = request.need(1).value) {
    if (given->elements() != 1) request.refuse("the depth is not one number");
    const double number = to_doubles(*given)[0];
    if (!(number >= 0 && number < 0x1p47)) request.refuse(cat("the depth is ", number));
    depth = static_cast<std::int64_t>(number);
  }
  const std::size_t axis = request.axis(request.node.integer("axis", -1), indices->size() + 1);
  output.shape = *indices;
  output.shape->insert(output.shape->begin() + static_cast<std::ptrdiff_t>(axis), depth);
  return {output};
}

// An index outside [-depth, depth) gives a row without a one.
Step prepare_one_hot(const PrepareRequest& request) {
  return [given = request.node.integer("axis", -1)](RunContext& run) {
    const Shape shape = run.out().shape();
    const std::size_t axis = step_axis(given, static_cast<std::int64_t>(shape.size()));
    const std::int64_t depth = shape[axis], inner = size_between(shape, axis + 1, shape.size());
    const Tensor indices = converted(run.in(0), DataType::int64);
    const auto positions = indices.data<std::int64_t>();
    with_words(run.in(2), run.out(), [&](const auto& from, const auto& to) {
      std::fill(to.begin(), to.end(), from[0]);
      for (std::size_t index = 0; index < positions.size(); ++index) {
        if (positions[index] < -depth || positions[index] >= depth) continue;
        const std::int64_t hot = positions[index] < 0 ? positions[index] + depth : positions[index];
        const auto flat = static_cast<std::int64_t>(index);
        to[static_cast<std::size_t>((flat / inner * depth + hot) * inner + flat % inner)] = from[1];
      }
    });
  };
}

constexpr OperatorDefinition rows[] = {
    {.type = "Gather", .least_inputs = 2, .most_inputs = 2, .infer = infer_gather, .prepare = prepare_gather},
    {.type = "GatherElements",
     .first_opset = 11,
     .least_inputs = 2,
     .most_inputs = 2,
     .infer = infer_gather_elements,
     .prepare = prepare_gather_elements},
    {.type = "GatherND", .first_opset = 11, .least_inputs = 2, .most_inputs = 2, .infer = infer_gather_nd, .prepare = prepare_gather_nd},
    {.type = "OneHot",
     .first_opset = 9,
     .least_inputs = 3,
     .most_inputs = 3,
     .infer = infer_one_hot,
     .prepare = prepare_one_hot,
     .shape_inputs = 0b10},
};

}  // namespace

Family gather() { return rows; }

}  // namespace titrate::engine::ops
