// RMSNormalization (opset 23): y = x / sqrt(mean(x^2) + epsilon) * scale over the last axes. The sum of squares runs in double, in order,
// so that it is the same on every machine.
#include <algorithm>
#include <cmath>

#include "engine/kernels/threads.hpp"
#include "engine/ops/shape_inference.hpp"
#include "engine/ops/table.hpp"
#include "engine/ops/widened.hpp"

namespace titrate::engine::ops {
namespace {

std::vector<OutputType> infer_rms(const InferRequest& request) {
  check_type(request, 0, float_types);
  check_type(request, 1, float_types);
  if (const Shape* input = request.shape(0)) {
    const std::size_t first = request.axis(request.node.integer("axis", -1), input->size());
    const Shape* scale = request.shape(1);
    if (scale != nullptr && all_known(*scale) && all_known(*input)) {
      const Shape normalized(input->begin() + static_cast<std::ptrdiff_t>(first), input->end());
      if (scale->size() > normalized.size()) request.refuse(cat("the scale ", to_text(*scale), " has more axes than are normalized"));
      const Shape* const shapes[] = {&normalized, scale};
      if (broadcast(request, shapes) != normalized)
        request.refuse(cat("the scale ", to_text(*scale), " does not fit the normalized axes ", to_text(normalized)));
    }
  }
  return {{.type = request.type(0), .shape = request.inputs[0].shape}};
}

// The scale as one number for each normalized element: its axes are aligned at the last one, and sizes of 1 are repeated.
template <class T>
std::vector<T> spread(const Tensor& scale, std::span<const std::int64_t> normalized) {
  const auto numbers = scale.data<T>();
  const auto size = static_cast<std::size_t>(element_count(normalized));
  std::vector<T> result(size);
  for (std::size_t index = 0; index < size; ++index) {
    std::size_t rest = index;
    std::size_t place = 0;
    std::size_t stride = 1;
    for (std::size_t axis = 0; axis < normalized.size(); ++axis) {
      const auto own = static_cast<std::size_t>(normalized[normalized.size() - 1 - axis]);
      const auto given =
          axis < scale.shape().size() ? static_cast<std::size_t>(scale.shape()[scale.shape().size() - 1 - axis]) : std::size_t{1};
      if (given > 1) place += rest % own * stride;
      stride *= given;
      rest /= own;
    }
    result[index] = numbers[place];
  }
  return result;
}

template <class T>
Step prepare_rms_of(const PrepareRequest& request) {
  const std::int64_t given = request.node.integer("axis", -1);
  const auto epsilon = static_cast<double>(request.node.number("epsilon", 1e-5F));
  return [given, epsilon](RunContext& run) {
    if (run.out().elements() == 0) return;
    const Shape& shape = run.in(0).shape();
    const auto normalized = std::span<const std::int64_t>(shape).subspan(step_axis(given, run.in(0).rank()));
    const auto size = static_cast<std::size_t>(element_count(normalized));
    const std::vector<T> scale = spread<T>(run.in(1), normalized);
    const std::span<const T> input = run.in(0).data<T>();
    T* output = run.out().template mutable_data<T>().data();
    kernels::parallel_for(input.size() / size, [&](std::size_t row, std::size_t) {
      const std::span<const T> own = input.subspan(row * size, size);
      double squares = 0;
      for (const T element : own) squares += static_cast<double>(element) * static_cast<double>(element);
      const auto factor = static_cast<T>(1 / std::sqrt(squares / static_cast<double>(size) + epsilon));
      for (std::size_t i = 0; i < size; ++i) output[row * size + i] = own[i] * factor * scale[i];
    });
  };
}

Step prepare_rms(const PrepareRequest& request) {
  if (request.type(0) == DataType::float64) return prepare_rms_of<double>(request);
  if (request.type(0) == DataType::float32) return prepare_rms_of<float>(request);
  return prepare_widened(request, prepare_rms_of<float>);
}

constexpr OperatorDefinition rows[] = {
    {.type = "RMSNormalization", .first_opset = 23, .least_inputs = 2, .most_inputs = 2, .infer = infer_rms, .prepare = prepare_rms},
};

}  // namespace

Family rms_normalization() { return rows; }

}  // namespace titrate::engine::ops
