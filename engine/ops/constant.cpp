// Tensors out of nothing or out of shapes: Constant, ConstantOfShape, Shape, Size, Range, EyeLike.
#include <algorithm>
#include <cmath>

#include "engine/ops/convert.hpp"
#include "engine/ops/shape_inference.hpp"
#include "engine/ops/table.hpp"
#include "engine/ops/words.hpp"

namespace titrate::engine::ops {
namespace {

template <class T>
Tensor vector_of(const std::vector<T>& elements) {
  return Tensor::of({static_cast<std::int64_t>(elements.size())}, elements);
}

// The one attribute that holds the value, whichever of its forms it has.
std::optional<Tensor> constant_value(const Node& node) {
  if (const Tensor* tensor = node.tensor("value")) return *tensor;
  if (node.find("value_float") != nullptr) return Tensor::scalar(node.number("value_float", 0.0F));
  if (node.find("value_int") != nullptr) return Tensor::scalar(node.integer("value_int", 0));
  if (node.find("value_floats") != nullptr) return vector_of(node.numbers("value_floats"));
  if (node.find("value_ints") != nullptr) return vector_of(node.integers("value_ints"));
  if (node.find("value_string") != nullptr) return Tensor::of_strings({}, {node.text("value_string", "")});
  if (const Attribute* strings = node.find("value_strings")) {
    if (const auto* many = std::get_if<std::vector<std::string>>(&strings->content)) {
      return Tensor::of_strings({static_cast<std::int64_t>(many->size())}, *many);
    }
  }
  return std::nullopt;
}

std::vector<OutputType> infer_constant(const InferRequest& request) {
  const std::optional<Tensor> value = constant_value(request.node);
  if (!value) request.refuse("it has no value that could be read (sparse tensors are not supported)");
  return {{.type = value->type(), .shape = value->shape()}};
}

Step prepare_constant(const PrepareRequest& request) {
  const std::optional<Tensor> value = constant_value(request.node);
  if (!value) request.refuse("it has no value that could be read (sparse tensors are not supported)");
  return [value = *value](RunContext& run) { run.out() = value; };
}

Tensor fill_value(const Node& node) {
  const Tensor* value = node.tensor("value");
  return value == nullptr ? Tensor::scalar(0.0F) : *value;
}

std::vector<OutputType> infer_constant_of_shape(const InferRequest& request) {
  check_type(request, 0, index_types);
  const Tensor value = fill_value(request.node);
  if (value.elements() != 1) request.refuse("attribute 'value' must hold one element");
  OutputType output{.type = value.type(), .shape = std::nullopt};
  if (const auto sizes = request.integers(0)) {
    (void)element_count(*sizes);
    output.shape = *sizes;
  } else if (const Shape* shape = request.shape(0)) {
    if (shape->size() != 1) request.refuse("the shape in input 0 is not one row of integers");
    if ((*shape)[0] >= 0 && (*shape)[0] <= 64) output.shape = unknown_sizes(static_cast<std::size_t>((*shape)[0]));
  }
  return {output};
}

Step prepare_constant_of_shape(const PrepareRequest& request) {
  return [value = fill_value(request.node)](RunContext& run) {
    with_words(value, run.out(), [](const auto& from, const auto& to) { std::fill(to.begin(), to.end(), from[0]); });
  };
}

// The axes [start, end) that Shape tells of; out of range is clamped.
std::pair<std::size_t, std::size_t> shape_range(const Node& node, std::size_t rank) {
  const auto size = static_cast<std::int64_t>(rank);
  const auto clamped = [&](std::int64_t axis) {
    return static_cast<std::size_t>(std::clamp(axis < 0 ? axis + size : axis, std::int64_t{0}, size));
  };
  const std::size_t start = clamped(node.integer("start", 0));
  const std::size_t end = clamped(node.integer("end", size));
  return {start, std::max(start, end)};
}

std::vector<OutputType> infer_shape(const InferRequest& request) {
  (void)request.node.integer("start", 0);
  (void)request.node.integer("end", 0);
  const Shape* shape = request.shape(0);
  if (shape == nullptr) return {{.type = DataType::int64, .shape = Shape{-1}}};
  const auto [start, end] = shape_range(request.node, shape->size());
  return {{.type = DataType::int64, .shape = Shape{static_cast<std::int64_t>(end - start)}}};
}

Step prepare_shape(const PrepareRequest& request) {
  return [node = request.node](RunContext& run) {
    const Shape& shape = run.in(0).shape();
    const auto [start, end] = shape_range(node, shape.size());
    std::copy(shape.begin() + static_cast<std::ptrdiff_t>(start), shape.begin() + static_cast<std::ptrdiff_t>(end),
              run.out().mutable_data<std::int64_t>().begin());
  };
}

std::vector<OutputType> infer_size(const InferRequest&) { return {{.type = DataType::int64, .shape = Shape{}}}; }

Step prepare_size(const PrepareRequest&) {
  return [](RunContext& run) { run.out().mutable_data<std::int64_t>()[0] = run.in(0).elements(); };
}

using RangeTypes = NumberTypes;

// How many elements Range has; refuses steps of 0, NaN, and counts that no memory holds.
std::int64_t range_count(const InferRequest& request) {
  const auto number = [&](std::size_t index) {
    if (request.need(index).value->elements() != 1) request.refuse(cat("input ", index, " is not one number"));
    return to_doubles(*request.inputs[index].value)[0];
  };
  const double start = number(0), limit = number(1), delta = number(2);
  if (delta == 0.0) request.refuse("the step is 0");
  const double count = std::ceil((limit - start) / delta);
  if (!(count < 0x1p47)) request.refuse("the range has no end or more elements than any memory");
  return static_cast<std::int64_t>(std::max(count, 0.0));
}

std::vector<OutputType> infer_range(const InferRequest& request) {
  check_type(request, 0, number_types);
  OutputType output{.type = common_type(request), .shape = Shape{-1}};
  const bool known = std::all_of(request.inputs.begin(), request.inputs.end(), [](const Operand& input) { return input.value != nullptr; });
  if (known) output.shape = Shape{range_count(request)};
  return {output};
}

Step prepare_range(const PrepareRequest&) {
  return through_float32([](RunContext& run) {
    with_type(RangeTypes{}, run.in(0).type(), [&]<class T>(TypeTag<T>) {
      const T start = run.in(0).data<T>()[0];
      const T delta = run.in(2).data<T>()[0];
      const auto target = run.out().mutable_data<T>();
      for (std::size_t index = 0; index < target.size(); ++index) {
        if constexpr (std::is_floating_point_v<T>) {
          target[index] = start + static_cast<T>(index) * delta;
        } else {
          target[index] = static_cast<T>(static_cast<std::uint64_t>(start) + index * static_cast<std::uint64_t>(delta));
        }
      }
    });
  });
}

std::vector<OutputType> infer_eye_like(const InferRequest& request) {
  const Shape* shape = request.shape(0);
  if (shape != nullptr && shape->size() != 2) request.refuse("the input has not two axes");
  (void)request.node.integer("k", 0);
  const DataType type = type_attribute(request, "dtype", request.type(0) == DataType::undefined ? DataType::float32 : request.type(0));
  const bool known = request.node.find("dtype") != nullptr || request.type(0) != DataType::undefined;
  if (!(number_types | boolean_type).has(type)) request.refuse(cat("elements of type ", name_of(type), " are not supported here"));
  return {{.type = known ? type : DataType::undefined, .shape = request.need(0).shape}};
}

Step prepare_eye_like(const PrepareRequest& request) {
  return [diagonal = request.node.integer("k", 0)](RunContext& run) {
    const Shape& shape = run.out().shape();
    const Tensor one = converted(Tensor::scalar(1.0F), run.out().type());
    with_words(one, run.out(), [&](const auto& from, const auto& to) {
      std::fill(to.begin(), to.end(), std::decay_t<decltype(from[0])>{});
      if (diagonal <= -shape[0] || diagonal >= shape[1]) return;
      for (std::int64_t row = std::max(std::int64_t{0}, -diagonal); row < shape[0] && row + diagonal < shape[1]; ++row) {
        to[static_cast<std::size_t>(row * shape[1] + row + diagonal)] = from[0];
      }
    });
  };
}

constexpr OperatorDefinition rows[] = {
    {.type = "Constant", .least_inputs = 0, .most_inputs = 0, .infer = infer_constant, .prepare = prepare_constant},
    {.type = "ConstantOfShape",
     .first_opset = 9,
     .infer = infer_constant_of_shape,
     .prepare = prepare_constant_of_shape,
     .shape_inputs = 0b1},
    {.type = "Shape", .infer = infer_shape, .prepare = prepare_shape},
    {.type = "Size", .infer = infer_size, .prepare = prepare_size},
    {.type = "Range",
     .first_opset = 11,
     .least_inputs = 3,
     .most_inputs = 3,
     .infer = infer_range,
     .prepare = prepare_range,
     .shape_inputs = 0b111},
    {.type = "EyeLike", .first_opset = 9, .infer = infer_eye_like, .prepare = prepare_eye_like},
};

}  // namespace

Family constant() { return rows; }

}  // namespace titrate::engine::ops
