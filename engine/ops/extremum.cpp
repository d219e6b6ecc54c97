// Operators that tell where the greatest elements are: ArgMax, ArgMin, TopK.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/ops/convert.hpp"
#include "engine/ops/indices.hpp"
#include "engine/ops/shape_inference.hpp"
#include "engine/ops/table.hpp"

namespace titrate::engine::ops {
namespace {

// A tensor seen as [outer, size, inner] along an axis.
struct Lines {
  std::int64_t outer;
  std::int64_t size;
  std::int64_t inner;
};

Lines lines_along(const Tensor& tensor, std::int64_t given) {
  const std::size_t axis = step_axis(given, tensor.rank());
  const Shape& shape = tensor.shape();
  return {size_between(shape, 0, axis), shape[axis], size_between(shape, axis + 1, shape.size())};
}

// NaN is greater than every number and less than every number: it is always found, as in numpy.
template <bool greatest, class T>
bool beats(T left, T right) {
  if constexpr (std::is_floating_point_v<T>) {
    if (std::isnan(left) || std::isnan(right)) return std::isnan(left) && !std::isnan(right);
  }
  return greatest ? left > right : left < right;
}

std::vector<OutputType> infer_arg(const InferRequest& request) {
  check_type(request, 0, number_types);
  const std::int64_t given = request.node.integer("axis", 0);
  const bool keeps = request.node.integer("keepdims", 1) != 0;
  const Shape* shape = request.shape(0);
  if (shape == nullptr) return {{.type = DataType::int64, .shape = std::nullopt}};
  const std::size_t axis = request.axis(given, shape->size());
  if ((*shape)[axis] == 0) request.refuse(cat("axis ", given, " is empty"));
  Shape result = *shape;
  result[axis] = 1;
  if (!keeps) result.erase(result.begin() + static_cast<std::ptrdiff_t>(axis));
  return {{.type = DataType::int64, .shape = result}};
}

template <bool greatest>
Step prepare_arg(const PrepareRequest& request) {
  const bool last = request.node.integer("select_last_index", 0) != 0;
  return through_float32([given = request.node.integer("axis", 0), last](RunContext& run) {
    const Lines lines = lines_along(run.in(0), given);
    with_type(NumberTypes{}, run.in(0).type(), [&]<class T>(TypeTag<T>) {
      std::int64_t* target = run.out().mutable_data<std::int64_t>().data();
      for (std::int64_t line = 0; line < lines.outer * lines.inner; ++line) {
        const T* first = run.in(0).data<T>().data() + line / lines.inner * lines.size * lines.inner + line % lines.inner;
        std::int64_t best = 0;
        for (std::int64_t index = 1; index < lines.size; ++index) {
          const T challenger = first[index * lines.inner], champion = first[best * lines.inner];
          if (last ? !beats<greatest>(champion, challenger) : beats<greatest>(challenger, champion)) best = index;
        }
        *target++ = best;
      }
    });
  });
}

// k is an attribute up to opset 9, an input from 10 on.
std::vector<OutputType> infer_top_k(const InferRequest& request) {
  check_type(request, 0, number_types);
  const std::int64_t given = request.node.integer("axis", -1);
  std::optional<std::int64_t> count;
  if (request.opset < 10) {
    if (request.node.find("k") == nullptr) request.refuse("attribute 'k' is missing");
    count = request.node.integer("k", 0);
  } else if (const auto numbers = request.integers(1)) {
    (void)request.need(1);
    if (numbers->size() != 1) request.refuse("input 1 is not one number");
    count = numbers->front();
  }
  if (count && *count < 0) request.refuse(cat("the ", *count, " greatest elements are asked for"));
  const Shape* shape = request.shape(0);
  OutputType values{.type = request.type(0), .shape = std::nullopt};
  if (shape != nullptr) {
    const std::size_t axis = request.axis(given, shape->size());
    if (count && (*shape)[axis] >= 0 && *count > (*shape)[axis])
      request.refuse(cat(*count, " elements are asked for, the axis has ", (*shape)[axis]));
    values.shape = *shape;
    (*values.shape)[axis] = count.value_or(-1);
  }
  return {values, {.type = DataType::int64, .shape = values.shape}};
}

// The positions of the first `count` elements in the order asked for; equal elements keep their order.
template <bool greatest, class T>
void rank_line(const T* first, std::int64_t stride, std::vector<std::int64_t>& positions, std::int64_t count) {
  std::iota(positions.begin(), positions.end(), std::int64_t{0});
  std::partial_sort(positions.begin(), positions.begin() + count, positions.end(), [&](std::int64_t left, std::int64_t right) {
    const T one = first[left * stride], other = first[right * stride];
    if (beats<greatest>(one, other)) return true;
    return !beats<greatest>(other, one) && left < right;
  });
}

template <class T>
void top_k(RunContext& run, const Lines& lines, bool greatest) {
  const std::int64_t count = lines.outer * lines.inner == 0 ? 0 : run.out(0).elements() / (lines.outer * lines.inner);
  std::vector<std::int64_t> positions(static_cast<std::size_t>(lines.size));
  const bool tells_where = run.outputs.size() > 1 && run.out(1).exists();
  for (std::int64_t line = 0; line < lines.outer * lines.inner; ++line) {
    const std::int64_t outer = line / lines.inner, inner = line % lines.inner;
    const T* first = run.in(0).data<T>().data() + outer * lines.size * lines.inner + inner;
    if (greatest)
      rank_line<true>(first, lines.inner, positions, count);
    else
      rank_line<false>(first, lines.inner, positions, count);
    for (std::int64_t place = 0; place < count; ++place) {
      const std::int64_t position = positions[static_cast<std::size_t>(place)];
      const auto at = static_cast<std::size_t>((outer * count + place) * lines.inner + inner);
      run.out(0).mutable_data<T>()[at] = first[position * lines.inner];
      if (tells_where) run.out(1).mutable_data<std::int64_t>()[at] = position;
    }
  }
}

Step prepare_top_k(const PrepareRequest& request) {
  const bool greatest = request.opset < 11 || request.node.integer("largest", 1) != 0;
  return through_float32([given = request.node.integer("axis", -1), greatest](RunContext& run) {
    with_type(NumberTypes{}, run.in(0).type(), [&]<class T>(TypeTag<T>) { top_k<T>(run, lines_along(run.in(0), given), greatest); });
  });
}

constexpr OperatorDefinition rows[] = {
    {.type = "ArgMax", .infer = infer_arg, .prepare = prepare_arg<true>},
    {.type = "ArgMin", .infer = infer_arg, .prepare = prepare_arg<false>},
    {.type = "TopK", .last_opset = 9, .infer = infer_top_k, .prepare = prepare_top_k},
    {.type = "TopK",
     .first_opset = 10,
     .least_inputs = 2,
     .most_inputs = 2,
     .infer = infer_top_k,
     .prepare = prepare_top_k,
     .shape_inputs = 0b10},
};

}  // namespace

Family extremum() { return rows; }

}  // namespace titrate::engine::ops
