// Operators whose output's size depends on the elements: NonZero, Compress, Unique. Their steps make the outputs themselves.
#include <algorithm>
#include <map>
#include <numeric>

#include "engine/ops/convert.hpp"
#include "engine/ops/indices.hpp"
#include "engine/ops/shape_inference.hpp"
#include "engine/ops/strided_loops.hpp"
#include "engine/ops/table.hpp"
#include "engine/ops/words.hpp"

namespace titrate::engine::ops {
namespace {

std::vector<OutputType> infer_non_zero(const InferRequest& request) {
  check_type(request, 0, number_types | boolean_type);
  const Shape* shape = request.shape(0);
  return {{.type = DataType::int64, .shape = Shape{shape == nullptr ? -1 : static_cast<std::int64_t>(shape->size()), -1}}};
}

// One column for each element that is not zero, one row for each axis.
Step prepare_non_zero(const PrepareRequest&) {
  return [](RunContext& run) {
    const Tensor truths = converted(run.in(0), DataType::boolean);
    const auto elements = truths.bits<std::uint8_t>();
    std::vector<std::int64_t> found;
    for (std::size_t index = 0; index < elements.size(); ++index) {
      if (elements[index] != 0) found.push_back(static_cast<std::int64_t>(index));
    }
    const Shape& shape = run.in(0).shape();
    const std::vector<std::int64_t> strides = strides_of(shape);
    std::vector<std::int64_t> positions;
    for (std::size_t axis = 0; axis < shape.size(); ++axis) {
      for (const std::int64_t place : found) positions.push_back(place / strides[axis] % shape[axis]);
    }
    run.out() = Tensor::of({run.in(0).rank(), static_cast<std::int64_t>(found.size())}, positions);
  };
}

std::optional<std::int64_t> optional_axis(const Node& node) {
  if (node.find("axis") == nullptr) return std::nullopt;
  return node.integer("axis", 0);
}

std::vector<OutputType> infer_compress(const InferRequest& request) {
  check_type(request, 0, movable_types);
  check_type(request, 1, boolean_type);
  const auto given = optional_axis(request.node);
  const Shape* shape = request.shape(0);
  if (!given) return {{.type = request.type(0), .shape = Shape{-1}}};
  if (shape == nullptr) return {{.type = request.type(0), .shape = std::nullopt}};
  Shape result = *shape;
  result[request.axis(*given, shape->size())] = -1;
  return {{.type = request.type(0), .shape = result}};
}

// A tensor seen as [outer, size, inner] along an axis; without an axis as a list.
struct Parts {
  std::int64_t outer = 1;
  std::int64_t size = 1;
  std::int64_t inner = 1;
};

Parts parts_along(const Tensor& tensor, std::optional<std::int64_t> given) {
  if (!given) return {1, tensor.elements(), 1};
  const std::size_t axis = step_axis(*given, tensor.rank());
  return {size_between(tensor.shape(), 0, axis), tensor.shape()[axis], size_between(tensor.shape(), axis + 1, tensor.shape().size())};
}

// The tensor with only the named positions of the axis, in their order.
Tensor taken(const Tensor& source, std::optional<std::int64_t> given, const std::vector<std::int64_t>& positions) {
  const Parts parts = parts_along(source, given);
  Shape shape = given ? source.shape() : Shape{0};
  shape[given ? step_axis(*given, source.rank()) : 0] = static_cast<std::int64_t>(positions.size());
  Tensor target = room_for(source.type(), shape);
  with_words(source, target, [&](const auto& from, const auto& to) {
    auto* place = to.data();
    for (std::int64_t line = 0; line < parts.outer; ++line) {
      for (const std::int64_t position : positions)
        place = std::copy_n(from.data() + (line * parts.size + position) * parts.inner, parts.inner, place);
    }
  });
  return target;
}

Step prepare_compress(const PrepareRequest& request) {
  return [given = optional_axis(request.node)](RunContext& run) {
    const auto chosen = run.in(1).bits<std::uint8_t>();
    const std::int64_t size = parts_along(run.in(0), given).size;
    std::vector<std::int64_t> positions;
    for (std::int64_t at = 0; at < std::min(size, run.in(1).elements()); ++at) {
      if (chosen[static_cast<std::size_t>(at)] != 0) positions.push_back(at);
    }
    run.out() = taken(run.in(0), given, positions);
  };
}

std::vector<OutputType> infer_unique(const InferRequest& request) {
  check_type(request, 0, number_types | boolean_type | string_type);
  (void)request.node.integer("sorted", 1);
  std::vector<OutputType> outputs = infer_compress({.node = request.node, .opset = request.opset, .inputs = request.inputs.first(1)});
  const OutputType indices{.type = DataType::int64, .shape = Shape{-1}};
  outputs.insert(outputs.end(), 3, indices);
  return outputs;
}

// What Unique finds: for each kind the position where it appears first and how often it does; for each position its kind.
struct Kinds {
  std::vector<std::int64_t> first;
  std::vector<std::int64_t> kind_of;
  std::vector<std::int64_t> counts;
};

template <class Less>
Kinds kinds_of(std::int64_t size, bool sorted, const Less& less) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(size));
  std::iota(order.begin(), order.end(), std::int64_t{0});
  std::stable_sort(order.begin(), order.end(), less);
  std::vector<std::vector<std::int64_t>> groups;
  for (const std::int64_t position : order) {
    if (groups.empty() || less(groups.back().front(), position)) groups.emplace_back();
    groups.back().push_back(position);
  }
  if (!sorted) std::sort(groups.begin(), groups.end(), [](const auto& left, const auto& right) { return left.front() < right.front(); });
  Kinds kinds;
  kinds.kind_of.resize(order.size());
  for (const std::vector<std::int64_t>& group : groups) {
    for (const std::int64_t position : group)
      kinds.kind_of[static_cast<std::size_t>(position)] = static_cast<std::int64_t>(kinds.first.size());
    kinds.first.push_back(group.front());
    kinds.counts.push_back(static_cast<std::int64_t>(group.size()));
  }
  return kinds;
}

// Compares the parts at two positions of the axis element by element; NaN comes last.
template <class T>
Kinds kinds_along(std::span<const T> elements, const Parts& parts, bool sorted) {
  const auto before = [](const T& left, const T& right) {
    if constexpr (std::is_floating_point_v<T>) {
      if (left != left || right != right) return left == left && right != right;
    }
    return left < right;
  };
  return kinds_of(parts.size, sorted, [&](std::int64_t left, std::int64_t right) {
    for (std::int64_t line = 0; line < parts.outer; ++line) {
      const T* one = elements.data() + (line * parts.size + left) * parts.inner;
      const T* other = elements.data() + (line * parts.size + right) * parts.inner;
      for (std::int64_t at = 0; at < parts.inner; ++at) {
        if (before(one[at], other[at])) return true;
        if (before(other[at], one[at])) return false;
      }
    }
    return false;
  });
}

Kinds find_kinds(const Tensor& source, const Parts& parts, bool sorted) {
  if (source.type() == DataType::string) return kinds_along(source.strings(), parts, sorted);
  if (source.type() == DataType::boolean) return kinds_along(source.bits<std::uint8_t>(), parts, sorted);
  Kinds kinds;
  with_type(NumberTypes{}, source.type(), [&]<class T>(TypeTag<T>) { kinds = kinds_along(source.data<T>(), parts, sorted); });
  return kinds;
}

Step prepare_unique(const PrepareRequest& request) {
  const bool sorted = request.node.integer("sorted", 1) != 0;
  return through_float32([given = optional_axis(request.node), sorted](RunContext& run) {
    const Kinds kinds = find_kinds(run.in(0), parts_along(run.in(0), given), sorted);
    const auto list = [](const std::vector<std::int64_t>& numbers) {
      return Tensor::of({static_cast<std::int64_t>(numbers.size())}, numbers);
    };
    run.out(0) = taken(run.in(0), given, kinds.first);
    const std::vector<std::int64_t>* const others[] = {&kinds.first, &kinds.kind_of, &kinds.counts};
    for (std::size_t index = 1; index < run.outputs.size() && index <= 3; ++index) run.out(index) = list(*others[index - 1]);
  });
}

constexpr OperatorDefinition rows[] = {
    {.type = "NonZero", .first_opset = 9, .infer = infer_non_zero, .prepare = prepare_non_zero},
    {.type = "Compress", .first_opset = 9, .least_inputs = 2, .most_inputs = 2, .infer = infer_compress, .prepare = prepare_compress},
    {.type = "Unique", .first_opset = 11, .infer = infer_unique, .prepare = prepare_unique},
};

}  // namespace

Family select() { return rows; }

}  // namespace titrate::engine::ops
