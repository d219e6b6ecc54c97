// CumSum and CumProd: running totals along an axis.
#include "engine/ops/convert.hpp"
#include "engine/ops/indices.hpp"
#include "engine/ops/shape_inference.hpp"
#include "engine/ops/table.hpp"

namespace titrate::engine::ops {
namespace {

// Integers wrap around.
template <class T>
using Total = std::conditional_t<std::is_floating_point_v<T>, T, std::uint64_t>;

struct Sum {
  static constexpr int start = 0;
  template <class T>
  T operator()(T total, T x) const {
    return static_cast<T>(static_cast<Total<T>>(total) + static_cast<Total<T>>(x));
  }
};

struct Product {
  static constexpr int start = 1;
  template <class T>
  T operator()(T total, T x) const {
    return static_cast<T>(static_cast<Total<T>>(total) * static_cast<Total<T>>(x));
  }
};

std::vector<OutputType> infer_cumulative(const InferRequest& request) {
  check_type(request, 0, number_types);
  check_type(request, 1, index_types);
  if (const auto axis = request.integers(1)) {
    if (axis->size() != 1) request.refuse("the axis in input 1 is not one number");
    if (const Shape* shape = request.shape(0)) (void)request.axis(axis->front(), shape->size());
  }
  (void)request.node.integer("exclusive", 0);
  (void)request.node.integer("reverse", 0);
  return like_first_input(request);
}

template <class Function>
Step prepare_cumulative(const PrepareRequest& request) {
  const bool exclusive = request.node.integer("exclusive", 0) != 0, reverse = request.node.integer("reverse", 0) != 0;
  return through_float32([exclusive, reverse](RunContext& run) {
    const Shape& shape = run.in(0).shape();
    const std::vector<std::int64_t> given = to_integers(run.in(1));
    if (given.size() != 1 || given[0] < -run.in(0).rank() || given[0] >= run.in(0).rank()) throw_invalid("the axis is outside the rank");
    const std::size_t axis = step_axis(given[0], run.in(0).rank());
    const std::int64_t size = shape[axis], inner = size_between(shape, axis + 1, shape.size()), outer = size_between(shape, 0, axis);
    with_type(NumberTypes{}, run.in(0).type(), [&]<class T>(TypeTag<T>) {
      const T* source = run.in(0).data<T>().data();
      T* target = run.out().mutable_data<T>().data();
      for (std::int64_t line = 0; line < outer * inner; ++line) {
        const std::int64_t first = line / inner * size * inner + line % inner;
        T total = static_cast<T>(Function::start);
        for (std::int64_t step = 0; step < size; ++step) {
          const std::int64_t at = first + (reverse ? size - 1 - step : step) * inner;
          const T next = Function{}(total, source[at]);
          target[at] = exclusive ? total : next;
          total = next;
        }
      }
    });
  });
}

// The axis is read at every run, but decides no shape; infer() sees it where it is constant.
template <class Function>
constexpr OperatorDefinition cumulative_row(std::string_view type, int first_opset) {
  return {.type = type,
          .first_opset = first_opset,
          .least_inputs = 2,
          .most_inputs = 2,
          .infer = infer_cumulative,
          .prepare = prepare_cumulative<Function>};
}

constexpr OperatorDefinition rows[] = {cumulative_row<Sum>("CumSum", 11), cumulative_row<Product>("CumProd", 26)};

}  // namespace

Family cumulative() { return rows; }

}  // namespace titrate::engine::ops
