// com.microsoft.QLinearLeakyRelu and QLinearSigmoid: functions of one code, so tables of 256.
#include <cmath>
#include <functional>

#include "engine/ops/code_table.hpp"
#include "engine/ops/shape_inference.hpp"
#include "engine/ops/table.hpp"

namespace titrate::engine::ops {
namespace {

constexpr std::size_t scale_x = 1;
constexpr std::size_t scale_y = 3;

std::vector<OutputType> infer_activation(const InferRequest& request) {
  check_type(request, 0, code_types);
  check_linear_code(request, scale_x, request.type(0));
  check_linear_code(request, scale_y, request.type(0));
  return like_first_input(request);
}

Step prepare_activation(const PrepareRequest& request, std::function<float(float)> function) {
  const LinearCodeInput x(request, scale_x);
  const LinearCodeInput y(request, scale_y);
  if (x.constant() && y.constant()) {
    return [table = code_table(request.type(0), *x.constant(), *y.constant(), function)](RunContext& run) {
      translate(table, run.in(0), run.out());
    };
  }
  return [x, y, function = std::move(function)](RunContext& run) {
    translate(code_table(run.in(0).type(), x(run), y(run), function), run.in(0), run.out());
  };
}

Step prepare_leaky_relu(const PrepareRequest& request) {
  const float alpha = request.node.number("alpha", 0.01F);
  return prepare_activation(request, [alpha](float x) { return x >= 0 ? x : alpha * x; });
}

// In double, rounded once: nearer to the truth than any float32 polynomial, and the same on every instruction set.
Step prepare_sigmoid(const PrepareRequest& request) {
  return prepare_activation(request, [](float x) { return static_cast<float>(1 / (1 + std::exp(-static_cast<double>(x)))); });
}

constexpr OperatorDefinition rows[] = {
    {.type = "QLinearLeakyRelu",
     .domain = "com.microsoft",
     .least_inputs = 2,
     .most_inputs = 5,
     .infer = infer_activation,
     .prepare = prepare_leaky_relu},
    {.type = "QLinearSigmoid",
     .domain = "com.microsoft",
     .least_inputs = 2,
     .most_inputs = 5,
     .infer = infer_activation,
     .prepare = prepare_sigmoid},
};

}  // namespace

Family quantized_activation() { return rows; }

}  // namespace titrate::engine::ops
