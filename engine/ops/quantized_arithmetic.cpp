// com.microsoft.QLinearAdd and QLinearMul: two tensors of 8-bit codes with scales of their own, broadcast.
#include <algorithm>
#include <array>

#include "engine/kernels/elementwise_int8/elementwise_int8.hpp"
#include "engine/kernels/threads.hpp"
#include "engine/ops/linear_code.hpp"
#include "engine/ops/shape_inference.hpp"
#include "engine/ops/strided_loops.hpp"
#include "engine/ops/table.hpp"

namespace titrate::engine::ops {
namespace {

// Inputs: A, its scale and zero point, B, its scale and zero point, the result's scale and zero point.
constexpr std::size_t input_a = 0;
constexpr std::size_t input_b = 3;
constexpr std::size_t scale_a = 1;
constexpr std::size_t scale_b = 4;
constexpr std::size_t scale_c = 6;

std::vector<OutputType> infer_arithmetic(const InferRequest& request) {
  (void)request.need(input_b);
  check_type(request, input_a, code_types);
  check_type(request, input_b, code_types);
  constexpr std::size_t operands[] = {input_a, input_b};
  const DataType type = common_type(request, operands);
  for (const std::size_t scale : {scale_a, scale_b, scale_c}) check_linear_code(request, scale, type);
  const Shape* const shapes[] = {request.shape(input_a), request.shape(input_b)};
  return {{.type = type, .shape = broadcast(request, shapes)}};
}

// The place of the first element of innermost loop number `row`, for each operand.
std::array<std::int64_t, 3> row_start(const StridedLoops& loops, std::int64_t row) {
  std::array<std::int64_t, 3> at{};
  for (std::size_t loop = loops.sizes.size() - 1; loop > 0; --loop) {
    const std::int64_t index = row % loops.sizes[loop - 1];
    row /= loops.sizes[loop - 1];
    for (std::size_t operand = 0; operand < at.size(); ++operand) at[operand] += index * loops.strides[operand][loop - 1];
  }
  return at;
}

// Calls pairs(a, b, target, count), or one_b(a, b, ...) and one_a(a, b, ...) where one element of b or a goes with all of the other.
template <class Code, class Pairs, class OneA, class OneB>
void for_each_run(RunContext& run, const Pairs& pairs, const OneA& one_a, const OneB& one_b) {
  const Shape* const shapes[] = {&run.in(input_a).shape(), &run.in(input_b).shape()};
  const StridedLoops loops = broadcast_loops(run.out().shape(), shapes);
  if (loops.empty()) return;
  const Code* a = run.in(input_a).data<Code>().data();
  const Code* b = run.in(input_b).data<Code>().data();
  Code* target = run.out().mutable_data<Code>().data();
  const std::int64_t a_step = loops.inner_stride(1);
  const std::int64_t b_step = loops.inner_stride(2);
  constexpr std::int64_t piece = 1 << 14;  // elements: enough work for a thread
  const std::int64_t size = loops.inner_size();
  const std::int64_t pieces = (size + piece - 1) / piece;
  const auto rows = static_cast<std::size_t>(run.out().elements() / size);
  kernels::parallel_for(rows * static_cast<std::size_t>(pieces), [&](std::size_t index, std::size_t) {
    const std::int64_t first = static_cast<std::int64_t>(index) % pieces * piece;
    const auto count = static_cast<std::size_t>(std::min(piece, size - first));
    const auto at = row_start(loops, static_cast<std::int64_t>(index) / pieces);
    const Code* left = a + at[1] + first * a_step;
    const Code* right = b + at[2] + first * b_step;
    Code* out = target + at[0] + first;
    if (b_step == 0) {
      one_b(left, *right, out, count);
    } else if (a_step == 0) {
      one_a(*left, right, out, count);
    } else {
      pairs(left, right, out, count);
    }
  });
}

// --- QLinearAdd

// The constants in the order of ONNX Runtime's float32 operations.
kernels::SumOfCodes sum_of(const LinearCode& a, const LinearCode& b, const LinearCode& c) {
  const float a_factor = a.scale / c.scale;
  const float b_factor = b.scale / c.scale;
  const float zeros = a_factor * static_cast<float>(a.zero_point) + b_factor * static_cast<float>(b.zero_point);
  return {a_factor, b_factor, static_cast<float>(c.zero_point) - zeros};
}

// The same with a code of b that goes with all of a moved into the offset.
kernels::SumOfCodes with_one(const kernels::SumOfCodes& sum, std::int32_t b) {
  return {sum.a_factor, 0, sum.offset + static_cast<float>(b) * sum.b_factor};
}

template <class Code>
void add(const kernels::CodeKernels<Code>& kernels, const LinearCode& a, const LinearCode& b, const LinearCode& c, RunContext& run) {
  const kernels::SumOfCodes sum = sum_of(a, b, c);
  const kernels::SumOfCodes swapped = sum_of(b, a, c);
  for_each_run<Code>(
      run, [&](const Code* left, const Code* right, Code* out, std::size_t count) { kernels.add(sum, left, right, out, count); },
      [&](Code left, const Code* right, Code* out, std::size_t count) { kernels.shift(with_one(swapped, left), right, out, count); },
      [&](const Code* left, Code right, Code* out, std::size_t count) { kernels.shift(with_one(sum, right), left, out, count); });
}

// --- QLinearMul

kernels::ProductOfCodes product_of(const LinearCode& a, const LinearCode& b, const LinearCode& c) {
  return {a.zero_point, b.zero_point, a.scale * b.scale / c.scale, static_cast<float>(c.zero_point)};
}

template <class Code>
void multiply(const kernels::CodeKernels<Code>& kernels, const LinearCode& a, const LinearCode& b, const LinearCode& c, RunContext& run) {
  const kernels::ProductOfCodes product = product_of(a, b, c);
  const kernels::ProductOfCodes swapped = product_of(b, a, c);
  for_each_run<Code>(
      run, [&](const Code* left, const Code* right, Code* out, std::size_t count) { kernels.multiply(product, left, right, out, count); },
      [&](Code left, const Code* right, Code* out, std::size_t count) { kernels.multiply_by(swapped, right, left, out, count); },
      [&](const Code* left, Code right, Code* out, std::size_t count) { kernels.multiply_by(product, left, right, out, count); });
}

template <bool is_sum>
Step prepare_arithmetic(const PrepareRequest& request) {
  const kernels::ElementwiseInt8Kernels& kernels = kernels::elementwise_int8_kernels(selected_isa());
  return [&kernels, a = LinearCodeInput(request, scale_a), b = LinearCodeInput(request, scale_b),
          c = LinearCodeInput(request, scale_c)](RunContext& run) {
    with_type(CodeTypes{}, run.in(input_a).type(), [&]<class Code>(TypeTag<Code>) {
      if constexpr (is_sum) {
        add(kernels.of<Code>(), a(run), b(run), c(run), run);
      } else {
        multiply(kernels.of<Code>(), a(run), b(run), c(run), run);
      }
    });
  };
}

constexpr OperatorDefinition rows[] = {
    {.type = "QLinearAdd",
     .domain = "com.microsoft",
     .least_inputs = 2,
     .most_inputs = 8,
     .infer = infer_arithmetic,
     .prepare = prepare_arithmetic<true>},
    {.type = "QLinearMul",
     .domain = "com.microsoft",
     .least_inputs = 2,
     .most_inputs = 8,
     .infer = infer_arithmetic,
     .prepare = prepare_arithmetic<false>},
};

}  // namespace

Family quantized_arithmetic() { return rows; }

}  // namespace titrate::engine::ops
