// Operators that write where indices say: ScatterElements (once named Scatter) and ScatterND.
#include <algorithm>
#include <cmath>

#include "engine/ops/convert.hpp"
#include "engine/ops/indices.hpp"
#include "engine/ops/shape_inference.hpp"
#include "engine/ops/table.hpp"
#include "engine/ops/words.hpp"

namespace titrate::engine::ops {
namespace {

enum class Reduction : std::uint8_t { none, add, multiply, least, greatest };

std::optional<Reduction> reduction_of(const Node& node) {
  const std::string name = node.text("reduction", "none");
  if (name == "none") return Reduction::none;
  if (name == "add") return Reduction::add;
  if (name == "mul") return Reduction::multiply;
  if (name == "min") return Reduction::least;
  if (name == "max") return Reduction::greatest;
  return std::nullopt;
}

void check_reduction(const InferRequest& request) {
  const auto reduction = reduction_of(request.node);
  if (!reduction) request.refuse("attribute 'reduction' must be none, add, mul, min or max");
  if (*reduction != Reduction::none) check_type(request, 0, number_types);
}

template <class T>
void reduce_into(T& element, T update, Reduction reduction) {
  using Wide = std::conditional_t<std::is_floating_point_v<T>, T, std::uint64_t>;  // integers wrap around
  switch (reduction) {
    case Reduction::none:
      element = update;
      break;
    case Reduction::add:
      element = static_cast<T>(static_cast<Wide>(element) + static_cast<Wide>(update));
      break;
    case Reduction::multiply:
      element = static_cast<T>(static_cast<Wide>(element) * static_cast<Wide>(update));
      break;
    case Reduction::least:
      element = std::min(element, update);
      break;
    case Reduction::greatest:
      element = std::max(element, update);
      break;
  }
}

// out = data, then update i, `length` elements of it, goes to places[i].
void scatter(RunContext& run, const std::vector<std::int64_t>& places, std::int64_t length, Reduction reduction) {
  if (reduction == Reduction::none) {
    const Tensor* const sources[] = {&run.in(0), &run.in(2)};
    with_words(sources, run.out(), run.in(0).type(), [&](const auto& from, const auto& to) {
      std::copy(from[0].begin(), from[0].end(), to.begin());
      const auto* update = from[1].data();
      for (const std::int64_t place : places) {
        std::copy_n(update, length, to.data() + place);
        update += length;
      }
    });
    return;
  }
  with_type(NumberTypes{}, run.in(0).type(), [&]<class T>(TypeTag<T>) {
    copy_elements(run.in(0), run.out());
    const auto to = run.out().mutable_data<T>();
    const T* update = run.in(2).data<T>().data();
    for (const std::int64_t place : places) {
      for (std::int64_t at = 0; at < length; ++at) reduce_into(to[static_cast<std::size_t>(place + at)], *update++, reduction);
    }
  });
}

std::vector<OutputType> infer_scatter_elements(const InferRequest& request) {
  check_type(request, 0, movable_types);
  check_type(request, 1, index_types);
  check_reduction(request);
  const std::size_t values[] = {0, 2};
  OutputType output{.type = common_type(request, values), .shape = request.need(0).shape};
  const Shape* data = request.shape(0);
  const Shape* indices = request.shape(1);
  const Shape* updates = request.shape(2);
  if (indices != nullptr && updates != nullptr && all_known(*indices) && all_known(*updates) && *indices != *updates) {
    request.refuse("indices and updates differ in shape");
  }
  if (data == nullptr) return {output};
  const std::size_t axis = request.axis(request.node.integer("axis", 0), data->size());
  if (indices != nullptr) check_inside(request, *indices, *data, axis);
  return {output};
}

Step prepare_scatter_elements(const PrepareRequest& request) {
  const Reduction reduction = reduction_of(request.node).value_or(Reduction::none);
  return through_float32([given = request.node.integer("axis", 0), reduction](RunContext& run) {
    const std::size_t axis = step_axis(given, run.in(0).rank());
    scatter(run, element_places(run.in(0).shape(), run.in(1), axis), 1, reduction);
  });
}

// Updates have the indices' shape without the tuple axis, then the data's remaining axes.
void check_updates(const InferRequest& request, const Shape& data, const Shape& indices, const Shape& updates) {
  const std::int64_t length = indices.back();
  if (length < 0) return;
  if (length > static_cast<std::int64_t>(data.size()))
    request.refuse(cat("its index tuples have ", length, " numbers, the data fewer axes"));
  Shape expected(indices.begin(), indices.end() - 1);
  expected.insert(expected.end(), data.begin() + length, data.end());
  if (expected.size() != updates.size()) request.refuse("the updates' rank does not fit data and indices");
  for (std::size_t axis = 0; axis < expected.size(); ++axis) {
    const bool known = expected[axis] >= 0 && updates[axis] >= 0;
    if (known && expected[axis] != updates[axis])
      request.refuse(cat("the updates have the shape ", to_text(updates), ", not ", to_text(expected)));
  }
}

std::vector<OutputType> infer_scatter_nd(const InferRequest& request) {
  check_type(request, 0, movable_types);
  check_type(request, 1, index_types);
  check_reduction(request);
  const std::size_t values[] = {0, 2};
  const Shape* indices = request.shape(1);
  if (indices != nullptr && indices->empty()) request.refuse("the indices are a scalar");
  if (indices != nullptr && request.shape(0) != nullptr && request.shape(2) != nullptr) {
    check_updates(request, *request.shape(0), *indices, *request.shape(2));
  }
  return {{.type = common_type(request, values), .shape = request.need(0).shape}};
}

Step prepare_scatter_nd(const PrepareRequest& request) {
  const Reduction reduction = reduction_of(request.node).value_or(Reduction::none);
  return through_float32([reduction](RunContext& run) {
    const Shape& data = run.in(0).shape();
    const auto length = static_cast<std::size_t>(run.in(1).shape().back());
    scatter(run, tuple_places(data, run.in(1), 0), size_between(data, length, data.size()), reduction);
  });
}

constexpr OperatorDefinition elements_row(std::string_view type, int first_opset, int last_opset) {
  return {.type = type,
          .first_opset = first_opset,
          .last_opset = last_opset,
          .least_inputs = 3,
          .most_inputs = 3,
          .infer = infer_scatter_elements,
          .prepare = prepare_scatter_elements};
}

constexpr OperatorDefinition rows[] = {
    elements_row("Scatter", 9, 10),
    elements_row("ScatterElements", 11, 1000),
    {.type = "ScatterND", .first_opset = 11, .least_inputs = 3, .most_inputs = 3, .infer = infer_scatter_nd, .prepare = prepare_scatter_nd},
};

}  // namespace

Family scatter() { return rows; }

}  // namespace titrate::engine::ops
