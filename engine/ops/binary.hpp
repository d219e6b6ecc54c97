// Operators of two inputs that work pair by pair, with numpy's broadcasting: a functor each.
#pragma once

#include <algorithm>
#include <optional>
#include <type_traits>

#include "engine/ops/convert.hpp"
#include "engine/ops/operator.hpp"
#include "engine/ops/shape_inference.hpp"
#include "engine/ops/strided_loops.hpp"
#include "engine/ops/unary.hpp"

namespace titrate::engine::ops {

/// One row of pairs: strides are 0 (one element against many) or 1, as broadcasting leaves them; the three loops vectorise.
template <class Left, class Right, class Out, class Function>
void apply_row(const Left* left, std::int64_t left_stride, const Right* right, std::int64_t right_stride, Out* out, std::int64_t count,
               const Function& function) {
  if (left_stride == 0) {
    const Left one = *left;
    for (std::int64_t index = 0; index < count; ++index) out[index] = function(one, right[index * right_stride]);
  } else if (right_stride == 0) {
    const Right one = *right;
    for (std::int64_t index = 0; index < count; ++index) out[index] = function(left[index], one);
  } else {
    for (std::int64_t index = 0; index < count; ++index) out[index] = function(left[index], right[index]);
  }
}

/// The loops around an innermost one of `width` elements that all operands walk one by one, if the loop around it meets the same `width`
/// elements of one input again and again: values in blocks of channels (channel_blocks.hpp) beside one number a channel.
inline std::optional<StridedLoops> loops_around(const StridedLoops& loops, std::int64_t width) {
  const std::size_t count = loops.sizes.size();
  if (count < 2 || loops.inner_size() != width) return std::nullopt;
  std::vector<std::vector<std::int64_t>> strides = loops.strides;
  for (const std::vector<std::int64_t>& operand : strides) {
    if (operand.back() != 1) return std::nullopt;
  }
  if (strides[1][count - 2] != 0 && strides[2][count - 2] != 0) return std::nullopt;
  for (std::vector<std::int64_t>& operand : strides) operand.pop_back();
  return StridedLoops(std::span(loops.sizes).first(count - 1), std::move(strides));
}

/// Rows of `width` elements, the next one so many strides on. The width is a constant: a row is a register.
template <std::int64_t width, class Left, class Right, class Out, class Function>
void apply_rows(const Left* left, std::int64_t left_stride, const Right* right, std::int64_t right_stride, Out* out,
                std::int64_t out_stride, std::int64_t count, const Function& function) {
  for (std::int64_t row = 0; row < count; ++row, left += left_stride, right += right_stride, out += out_stride) {
    Out result[width];  // the inputs may lie where the outputs do, for all the compiler knows
    for (std::int64_t at = 0; at < width; ++at) result[at] = function(left[at], right[at]);
    std::copy_n(result, width, out);
  }
}

template <std::int64_t width, class Left, class Right, class Out, class Function>
bool applied_in_rows(const StridedLoops& loops, const Left* left, const Right* right, Out* out, const Function& function) {
  const std::optional<StridedLoops> around = loops_around(loops, width);
  if (!around) return false;
  share_rows(*around, width * around->inner_size(), [&](std::span<const std::int64_t> at) {
    apply_rows<width>(left + at[1], around->inner_stride(1), right + at[2], around->inner_stride(2), out + at[0], around->inner_stride(0),
                      around->inner_size(), function);
  });
  return true;
}

/// Applies the function to the broadcast inputs 0 and 1 of a step, whose elements are given; to floats on several threads.
template <class Left, class Right, class Out, class Function>
void for_each_pair(const RunContext& run, std::span<const Left> left, std::span<const Right> right, std::span<Out> out,
                   const Function& function) {
  const kernels::OneThread alone(!std::is_floating_point_v<Left> || !std::is_floating_point_v<Right>);  // an integer division may throw
  // As many elements as the result has, or one: there is a single loop, and small tensors are done sooner than loops are made.
  const auto single = [&](std::size_t elements) { return elements == out.size() || elements == 1; };
  if (single(left.size()) && single(right.size())) {
    const std::int64_t by_left = left.size() == out.size() ? 1 : 0, by_right = right.size() == out.size() ? 1 : 0;
    const auto count = static_cast<std::int64_t>(out.size());
    kernels::parallel_for(static_cast<std::size_t>((count + shared_piece - 1) / shared_piece), [&](std::size_t index, std::size_t) {
      const std::int64_t first = static_cast<std::int64_t>(index) * shared_piece;
      apply_row(left.data() + first * by_left, by_left, right.data() + first * by_right, by_right, out.data() + first,
                std::min(shared_piece, count - first), function);
    });
    return;
  }
  const Shape* const shapes[] = {&run.in(0).shape(), &run.in(1).shape()};
  const StridedLoops loops = broadcast_loops(run.out().shape(), shapes);
  if (applied_in_rows<8>(loops, left.data(), right.data(), out.data(), function)) return;
  if (applied_in_rows<16>(loops, left.data(), right.data(), out.data(), function)) return;
  share_parts(loops, [&](std::span<const std::int64_t> at, std::int64_t count) {
    apply_row(left.data() + at[1], loops.inner_stride(1), right.data() + at[2], loops.inner_stride(2), out.data() + at[0], count, function);
  });
}

template <TypeSet allowed>
std::vector<OutputType> infer_binary(const InferRequest& request) {
  check_type(request, 0, allowed);
  check_type(request, 1, allowed);
  return {{.type = common_type(request), .shape = broadcast(request)}};
}

/// A step whose output has the type of its inputs; float16 and bfloat16 through float32.
template <class Types, class Function>
Step prepare_binary(const PrepareRequest& request) {
  return through_float32([function = function_of<Function>(request)](RunContext& run) {
    with_type(Types{}, run.in(0).type(), [&]<class T>(TypeTag<T>) {
      for_each_pair(run, run.in(0).data<T>(), run.in(1).data<T>(), run.out().mutable_data<T>(), function);
    });
  });
}

}  // namespace titrate::engine::ops
