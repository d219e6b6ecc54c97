// ReduceSum, ReduceMean, ReduceMax and their like: a reducer each, over any set of axes.
#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/ops/convert.hpp"
#include "engine/ops/reduction_loops.hpp"
#include "engine/ops/shape_inference.hpp"
#include "engine/ops/table.hpp"
#include "engine/ops/words.hpp"

namespace titrate::engine::ops {
namespace {

// A reducer has a State that starts empty, takes an element, joins another state, and becomes the result of `count` elements.

// Integers are summed in 64 bits that wrap around.
template <class T>
using Total = std::conditional_t<std::is_floating_point_v<T>, T, std::uint64_t>;

template <class T>
struct SumBase {
  using State = Total<T>;
  static State start() { return State{0}; }
  static State join(State left, State right) { return left + right; }
  static T result(State sum, std::int64_t) { return static_cast<T>(sum); }
};

template <class T>
struct Sum : SumBase<T> {
  static Total<T> add(Total<T> sum, T x) { return sum + static_cast<Total<T>>(x); }
};

template <class T>
struct Mean : Sum<T> {
  static T result(Total<T> sum, std::int64_t count) {
    if constexpr (std::is_floating_point_v<T>) {
      return sum / static_cast<T>(count);
    } else {
      if (count == 0) throw_invalid("the mean of no integers is asked for");
      return static_cast<T>(static_cast<std::conditional_t<std::is_signed_v<T>, std::int64_t, std::uint64_t>>(sum) /
                            static_cast<std::conditional_t<std::is_signed_v<T>, std::int64_t, std::uint64_t>>(count));
    }
  }
};

template <class T>
struct SumSquare : SumBase<T> {
  static Total<T> add(Total<T> sum, T x) { return sum + static_cast<Total<T>>(x) * static_cast<Total<T>>(x); }
};

template <class T>
struct L1 : SumBase<T> {
  static Total<T> add(Total<T> sum, T x) {
    if constexpr (std::is_floating_point_v<T>)
      return sum + std::abs(x);
    else
      return x < T{0} ? sum - static_cast<Total<T>>(x) : sum + static_cast<Total<T>>(x);
  }
};

template <class T>
struct L2 : SumSquare<T> {
  static T result(Total<T> sum, std::int64_t) {
    if constexpr (std::is_floating_point_v<T>)
      return std::sqrt(sum);
    else
      return static_cast<T>(std::sqrt(static_cast<double>(sum)));
  }
};

// The logarithm of an integer total, cut off; of nothing it has none, then the least number stands for it.
template <class T>
T logarithm(double total) {
  if constexpr (std::is_floating_point_v<T>)
    return static_cast<T>(std::log(total));
  else
    return total > 0.0 ? static_cast<T>(std::log(total)) : std::numeric_limits<T>::lowest();
}

template <class T>
struct LogSum : Sum<T> {
  static T result(Total<T> sum, std::int64_t) {
    if constexpr (std::is_floating_point_v<T>)
      return std::log(sum);
    else
      return logarithm<T>(static_cast<double>(static_cast<std::int64_t>(sum)));
  }
};

// log(sum of e^x) with the largest x taken out, so that nothing overflows.
template <class T>
struct LogSumExp {
  using Real = std::conditional_t<std::is_floating_point_v<T>, T, double>;
  struct State {
    Real largest = -std::numeric_limits<Real>::infinity();
    Real scaled = 0;  ///< sum of e^(x - largest)
  };
  static State start() { return {}; }
  static State add(State state, T x) { return join(state, {static_cast<Real>(x), Real{1}}); }
  static State join(State left, State right) {
    if (right.largest > left.largest || std::isnan(right.largest)) std::swap(left, right);
    // Infinities have no difference: an equal one counts whole, a lesser one not at all.
    const Real weight = right.largest == left.largest ? Real{1} : std::exp(right.largest - left.largest);
    return {left.largest, left.scaled + right.scaled * weight};
  }
  static T result(State state, std::int64_t) {
    const Real value = state.largest + std::log(state.scaled);
    if constexpr (std::is_floating_point_v<T>)
      return state.scaled == Real{0} ? -std::numeric_limits<T>::infinity() : value;
    else
      return state.scaled == Real{0} ? std::numeric_limits<T>::lowest() : static_cast<T>(std::clamp(value, -9.0e18, 9.0e18));
  }
};

template <class T>
struct Product {
  using State = Total<T>;
  static State start() { return State{1}; }
  static State add(State product, T x) { return product * static_cast<State>(x); }
  static State join(State left, State right) { return left * right; }
  static T result(State product, std::int64_t) { return static_cast<T>(product); }
};

template <class T>
constexpr T highest() {
  return std::numeric_limits<T>::has_infinity ? std::numeric_limits<T>::infinity() : std::numeric_limits<T>::max();
}
template <class T>
constexpr T lowest() {
  return std::numeric_limits<T>::has_infinity ? -std::numeric_limits<T>::infinity() : std::numeric_limits<T>::lowest();
}

// NaN wins, as in numpy: it differs from itself.
template <class T>
struct Max {
  using State = T;
  static T start() { return lowest<T>(); }
  static T add(T best, T x) { return x > best || x != x ? x : best; }
  static T join(T left, T right) { return add(left, right); }
  static T result(T best, std::int64_t) { return best; }
};

template <class T>
struct Min {
  using State = T;
  static T start() { return highest<T>(); }
  static T add(T best, T x) { return x < best || x != x ? x : best; }
  static T join(T left, T right) { return add(left, right); }
  static T result(T best, std::int64_t) { return best; }
};

// ReduceSum takes its axes as an input since opset 13, the others since 18.
std::int64_t axes_input_since(const Node& node) { return node.type == "ReduceSum" ? 13 : 18; }

std::vector<OutputType> infer_reduction(const InferRequest& request, TypeSet allowed) {
  check_type(request, 0, allowed);
  const IntegerList axes = integer_list(request, "axes", 1, axes_input_since(request.node));
  const bool keeps = request.node.integer("keepdims", 1) != 0;
  const bool noop = request.node.integer("noop_with_empty_axes", 0) != 0;
  const Shape* shape = request.shape(0);
  OutputType output{.type = request.type(0), .shape = std::nullopt};
  if (shape == nullptr) return {output};
  if (!axes.known) {
    if (keeps) output.shape = unknown_sizes(shape->size());
    return {output};
  }
  std::vector<bool> reduced = axis_flags(request, axes.numbers, shape->size());
  if (axes.numbers.empty()) reduced.assign(shape->size(), !noop);
  output.shape.emplace();
  for (std::size_t axis = 0; axis < shape->size(); ++axis) {
    if (!reduced[axis]) output.shape->push_back((*shape)[axis]);
    if (reduced[axis] && keeps) output.shape->push_back(1);
  }
  return {output};
}

template <TypeSet allowed>
std::vector<OutputType> infer_reduce(const InferRequest& request) {
  return infer_reduction(request, allowed);
}

std::vector<bool> reduced_axes(const RunContext& run, const std::vector<std::int64_t>& attribute, bool noop) {
  const std::vector<std::int64_t> axes = run.has(1) ? to_integers(run.in(1)) : attribute;
  std::vector<bool> reduced(run.in(0).shape().size(), axes.empty() && !noop);
  for (const std::int64_t axis : axes) reduced[step_axis(axis, run.in(0).rank())] = true;
  return reduced;
}

// Booleans, of which only the greatest and the least are asked for, are reduced as bytes.
template <template <class> class Reducer>
void reduce_any(RunContext& run, const std::vector<bool>& reduced) {
  if (run.in(0).type() == DataType::boolean) {
    const ReductionLoops loops(run.in(0).shape(), reduced);
    const auto out = run.out().mutable_bits<std::uint8_t>();
    loops.reduce<Reducer<std::uint8_t>>(run.in(0).bits<std::uint8_t>().data(), out.data());
    for (std::uint8_t& value : out) value = value != 0 ? 1 : 0;
    return;
  }
  with_type(NumberTypes{}, run.in(0).type(), [&]<class T>(TypeTag<T>) {
    const ReductionLoops loops(run.in(0).shape(), reduced);
    loops.reduce<Reducer<T>>(run.in(0).data<T>().data(), run.out().mutable_data<T>().data());
  });
}

template <template <class> class Reducer>
Step prepare_reduce(const PrepareRequest& request) {
  std::vector<std::int64_t> attribute;
  if (request.opset < axes_input_since(request.node)) attribute = request.node.integers("axes");
  const bool noop = request.node.integer("noop_with_empty_axes", 0) != 0;
  return through_float32([attribute, noop](RunContext& run) {
    const std::vector<bool> reduced = reduced_axes(run, attribute, noop);
    reduce_any<Reducer>(run, reduced);
  });
}

template <template <class> class Reducer, TypeSet allowed = number_types>
constexpr OperatorDefinition reduction_row(std::string_view type) {
  return {.type = type, .most_inputs = 2, .infer = infer_reduce<allowed>, .prepare = prepare_reduce<Reducer>, .shape_inputs = 0b10};
}

constexpr OperatorDefinition rows[] = {
    reduction_row<Sum>("ReduceSum"),
    reduction_row<Mean>("ReduceMean"),
    reduction_row<SumSquare>("ReduceSumSquare"),
    reduction_row<L1>("ReduceL1"),
    reduction_row<L2>("ReduceL2"),
    reduction_row<LogSum>("ReduceLogSum"),
    reduction_row<LogSumExp>("ReduceLogSumExp"),
    reduction_row<Product>("ReduceProd"),
    reduction_row<Max, number_types | boolean_type>("ReduceMax"),
    reduction_row<Min, number_types | boolean_type>("ReduceMin"),
};

}  // namespace

Family reduction() { return rows; }

}  // namespace titrate::engine::ops
