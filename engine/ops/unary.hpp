// Operators of one input that work number by number: a functor each.
#pragma once

#include <algorithm>
#include <concepts>
#include <type_traits>

#include "engine/kernels/activation/activation.hpp"
#include "engine/kernels/threads.hpp"
#include "engine/ops/convert.hpp"
#include "engine/ops/operator.hpp"
#include "engine/ops/shape_inference.hpp"
#include "engine/ops/step_threads.hpp"

namespace titrate::engine::ops {

/// The functor of a node: made from its attributes where it has any.
template <class Function>
Function function_of(const PrepareRequest& request) {
  if constexpr (std::constructible_from<Function, const PrepareRequest&>) {
    return Function(request);
  } else {
    return Function{};
  }
}

/// A step that applies the functor to each element of a type in the list; float16 and bfloat16 through float32.
template <class Types, class Function>
Step prepare_unary(const PrepareRequest& request) {
  return through_float32([function = function_of<Function>(request)](RunContext& run) {
    with_type(Types{}, run.in(0).type(), [&]<class T>(TypeTag<T>) {
      const auto source = run.in(0).data<T>();
      const auto target = run.out().mutable_data<T>();
      constexpr auto piece = static_cast<std::size_t>(shared_piece);
      const kernels::OneThread alone(!std::is_floating_point_v<T>);  // functions of integers may throw
      kernels::parallel_for((source.size() + piece - 1) / piece, [&](std::size_t part, std::size_t) {
        const std::size_t last = std::min(source.size(), (part + 1) * piece);
        for (std::size_t index = part * piece; index < last; ++index) target[index] = function(source[index]);
      });
    });
  });
}

/// prepare_unary, but float32 runs the kernel of the activation that `Function` stands for.
template <class Types, class Function>
Step prepare_activation(const PrepareRequest& request) {
  if (request.type(0) != DataType::float32) return prepare_unary<Types, Function>(request);
  const kernels::Activation activation = function_of<Function>(request).kernel();
  return [activation, run_kernel = kernels::activation_kernel(selected_isa())](RunContext& run) {
    const auto source = run.in(0).data<float>();
    float* target = run.out().mutable_data<float>().data();
    constexpr auto piece = static_cast<std::size_t>(shared_piece);
    kernels::parallel_for((source.size() + piece - 1) / piece, [&](std::size_t index, std::size_t) {
      const std::size_t first = index * piece;
      run_kernel(activation, source.data() + first, target + first, std::min(piece, source.size() - first));
    });
  };
}

/// The rows of operators that have a kernel: on floats, and on floats and integers.
template <class Function>
constexpr OperatorDefinition float_activation_row(std::string_view type, int first_opset = 1) {
  return {.type = type,
          .first_opset = first_opset,
          .infer = infer_like_first<float_types>,
          .prepare = prepare_activation<FloatTypes, Function>};
}
template <class Function>
constexpr OperatorDefinition number_activation_row(std::string_view type, int first_opset = 1) {
  return {.type = type,
          .first_opset = first_opset,
          .infer = infer_like_first<number_types>,
          .prepare = prepare_activation<NumberTypes, Function>};
}

/// The row of an operator on floats.
template <class Function>
constexpr OperatorDefinition float_row(std::string_view type, int first_opset = 1) {
  return {.type = type, .first_opset = first_opset, .infer = infer_like_first<float_types>, .prepare = prepare_unary<FloatTypes, Function>};
}

/// The row of an operator on floats and integers.
template <class Function>
constexpr OperatorDefinition number_row(std::string_view type, int first_opset = 1) {
  return {
      .type = type, .first_opset = first_opset, .infer = infer_like_first<number_types>, .prepare = prepare_unary<NumberTypes, Function>};
}

}  // namespace titrate::engine::ops
