// Sum, Mean, Min and Max of any number of inputs, broadcast, and Clip between two bounds.
#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "engine/kernels/elementwise/elementwise.hpp"
#include "engine/kernels/threads.hpp"
#include "engine/ops/binary.hpp"
#include "engine/ops/table.hpp"
#include "engine/ops/words.hpp"

namespace titrate::engine::ops {
namespace {

template <class T>
bool is_nan(T value) {
  if constexpr (std::is_floating_point_v<T>)
    return std::isnan(value);
  else
    return false;
}

struct Add {
  template <class T>
  T operator()(T left, T right) const {
    return left + right;
  }
};
// NaN wins, as in numpy.
struct Lesser {
  template <class T>
  T operator()(T left, T right) const {
    return left < right || is_nan(left) ? left : right;
  }
};
struct Greater {
  template <class T>
  T operator()(T left, T right) const {
    return left > right || is_nan(left) ? left : right;
  }
};

// out = function(out, input), input broadcast.
template <class T, class Function>
void accumulate(Tensor& out, const Tensor& input, const Function& function) {
  const Shape* const shapes[] = {&input.shape()};
  const StridedLoops loops = broadcast_loops(out.shape(), shapes);
  const auto to = out.mutable_data<T>();
  const auto from = input.data<T>();
  share_parts(loops, [&](std::span<const std::int64_t> at, std::int64_t count) {
    T* sum = to.data() + at[0];
    apply_row(sum, 1, from.data() + at[1], loops.inner_stride(1), sum, count, function);
  });
}

struct First {
  template <class T>
  T operator()(T, T right) const {
    return right;
  }
};

template <class Types, class Function, bool divides>
Step prepare_variadic(const PrepareRequest&) {
  return through_float32([](RunContext& run) {
    with_type(Types{}, run.in(0).type(), [&]<class T>(TypeTag<T>) {
      std::size_t next = 1;
      if (run.inputs.size() > 1) {
        for_each_pair(run, run.in(0).data<T>(), run.in(1).data<T>(), run.out().mutable_data<T>(), Function{});
        next = 2;
      } else {
        accumulate<T>(run.out(), run.in(0), First{});
      }
      for (; next < run.inputs.size(); ++next) accumulate<T>(run.out(), run.in(next), Function{});
      if constexpr (divides) {
        for (T& value : run.out().mutable_data<T>()) value /= static_cast<T>(run.inputs.size());
      }
    });
  });
}

// The input between bounds that are attributes (opset 6) or scalar inputs (opset 11). The lower bound is applied first: where the bounds
// cross, the result is the upper one.
template <class T>
void clip(const Tensor& source, Tensor& target, T lowest, T highest) {
  const auto from = source.data<T>();
  const auto to = target.mutable_data<T>();
  if constexpr (std::is_same_v<T, float>) {
    const auto clamp = kernels::elementwise_kernels(selected_isa()).clamp;
    constexpr auto piece = static_cast<std::size_t>(shared_piece);
    kernels::parallel_for((from.size() + piece - 1) / piece, [&](std::size_t index, std::size_t) {
      const std::size_t first = index * piece;
      clamp(from.data() + first, lowest, highest, to.data() + first, std::min(piece, from.size() - first));
    });
    return;
  }
  for (std::size_t index = 0; index < from.size(); ++index) {
    const T raised = from[index] < lowest ? lowest : from[index];
    to[index] = raised > highest ? highest : raised;
  }
}

std::vector<OutputType> infer_clip(const InferRequest& request) {
  check_type(request, 0, number_types);
  OutputType output{.type = common_type(request), .shape = request.need(0).shape};
  for (std::size_t index = 1; index < request.inputs.size(); ++index) {
    const Shape* shape = request.shape(index);
    const bool known = shape != nullptr && all_known(*shape);
    if (known && element_count(*shape) != 1) request.refuse(cat("the bound in input ", index, " is not one number"));
  }
  return {output};
}

template <class T>
T bound(const RunContext& run, std::size_t index, T absent) {
  return run.has(index) ? run.in(index).data<T>()[0] : absent;
}

Step prepare_clip(const PrepareRequest&) {
  return through_float32([](RunContext& run) {
    with_type(NumberTypes{}, run.in(0).type(), [&]<class T>(TypeTag<T>) {
      // The bounds that are left out are the type's, but let infinities pass.
      constexpr bool infinite = std::numeric_limits<T>::has_infinity;
      constexpr T least = infinite ? -std::numeric_limits<T>::infinity() : std::numeric_limits<T>::lowest();
      constexpr T most = infinite ? std::numeric_limits<T>::infinity() : std::numeric_limits<T>::max();
      clip(run.in(0), run.out(), bound(run, 1, least), bound(run, 2, most));
    });
  });
}

Step prepare_clip_attributes(const PrepareRequest& request) {
  const float lowest = request.node.number("min", std::numeric_limits<float>::lowest());
  const float highest = request.node.number("max", std::numeric_limits<float>::max());
  return through_float32([lowest, highest](RunContext& run) {
    with_type(FloatTypes{}, run.in(0).type(),
              [&]<class T>(TypeTag<T>) { clip(run.in(0), run.out(), static_cast<T>(lowest), static_cast<T>(highest)); });
  });
}

template <TypeSet allowed, class Types, class Function, bool divides = false>
constexpr OperatorDefinition variadic_row(std::string_view type) {
  return {.type = type,
          .first_opset = 8,
          .most_inputs = -1,
          .infer = infer_binary<allowed>,
          .prepare = prepare_variadic<Types, Function, divides>};
}

constexpr OperatorDefinition rows[] = {
    variadic_row<float_types, FloatTypes, Add>("Sum"),
    variadic_row<float_types, FloatTypes, Add, true>("Mean"),
    variadic_row<number_types, NumberTypes, Lesser>("Min"),
    variadic_row<number_types, NumberTypes, Greater>("Max"),
    {.type = "Clip", .first_opset = 6, .last_opset = 10, .infer = infer_like_first<float_types>, .prepare = prepare_clip_attributes},
    {.type = "Clip", .first_opset = 11, .most_inputs = 3, .infer = infer_clip, .prepare = prepare_clip},
};

}  // namespace

Family variadic() { return rows; }

}  // namespace titrate::engine::ops
