// Products of 8-bit codes that give int32 sums or float32: MatMulInteger and its fused forms, which ONNX Runtime defines (com.microsoft).
#include <algorithm>
#include <cmath>

#include "engine/kernels/minmax/minmax.hpp"
#include "engine/kernels/quantize/quantize.hpp"
#include "engine/ops/integer_product.hpp"
#include "engine/ops/table.hpp"

namespace titrate::engine::ops {
namespace {

constexpr std::size_t none = ProductInputs::none;
constexpr ProductInputs sums_inputs{
    .a = 0, .a_scale = none, .a_zero = 2, .b = 1, .b_scale = none, .b_zero = 3, .y_scale = none, .y_zero = none};
constexpr ProductInputs to_float_inputs{
    .a = 0, .a_scale = 2, .a_zero = 4, .b = 1, .b_scale = 3, .b_zero = 5, .y_scale = none, .y_zero = none, .bias = 6};
constexpr ProductInputs dynamic_inputs{
    .a = 0, .a_scale = none, .a_zero = none, .b = 1, .b_scale = 2, .b_zero = 3, .y_scale = none, .y_zero = none, .bias = 4};

void check_bias(const InferRequest& request, std::size_t index) {
  if (request.type(index) != DataType::undefined && request.type(index) != DataType::float32) request.refuse("the bias is not float32");
  const Shape* bias = request.shape(index);
  const Shape* b = request.shape(1);
  if (bias == nullptr || b == nullptr || b->empty()) return;
  if (bias->size() != 1 || ((*bias)[0] >= 0 && b->back() >= 0 && (*bias)[0] != b->back())) {
    request.refuse(cat("the bias ", to_text(*bias), " is not one number a column of ", to_text(*b)));
  }
}

std::vector<OutputType> infer_sums(const InferRequest& request) {
  check_codes(request, 0, 2);
  return {infer_integer_product(request, sums_inputs, DataType::int32, false)};
}

std::vector<OutputType> infer_to_float(const InferRequest& request) {
  check_codes(request, 0, 4);
  check_bias(request, 6);
  return {infer_integer_product(request, to_float_inputs, DataType::float32, false)};
}

std::vector<OutputType> infer_dynamic(const InferRequest& request) {
  if (request.type(0) != DataType::undefined && request.type(0) != DataType::float32) request.refuse("A is not float32");
  check_bias(request, 4);
  return {infer_integer_product(request, dynamic_inputs, DataType::float32, false)};
}

template <const ProductInputs& inputs>
Step prepare_product(const PrepareRequest& request) {
  return [product = IntegerProduct(request, inputs)](RunContext& run) { product.run(run); };
}

// A is quantized as DynamicQuantizeLinear does: uint8, the range of all of A and zero.
Step prepare_dynamic(const PrepareRequest& request) {
  const auto quantize = kernels::quantize_kernels(selected_isa()).to_u8;
  const kernels::MinMax minmax = kernels::minmax_kernel(selected_isa());
  return [product = IntegerProduct(request, dynamic_inputs), quantize, minmax](RunContext& run) {
    if (run.out().elements() == 0) return;
    const std::span<const float> numbers = run.in(0).data<float>();
    const kernels::Range range = minmax(numbers.data(), numbers.size());
    const float low = std::min(range.lowest, 0.0F);
    const float high = std::max(range.highest, 0.0F);
    const float scale = low == high ? 1.0F : (high - low) / 255.0F;
    const auto zero_point = static_cast<std::uint8_t>(std::nearbyint(std::clamp(0.0F - low / scale, 0.0F, 255.0F)));
    Tensor codes = Tensor::uninitialized(DataType::uint8, run.in(0).shape());
    quantize({scale, zero_point, 0, 255}, numbers.data(), codes.mutable_data<std::uint8_t>().data(), numbers.size());
    const Tensor scale_tensor = Tensor::scalar(scale);
    const Tensor zero_tensor = Tensor::scalar(zero_point);
    const IntegerProduct::QuantizedLeft left{codes, scale_tensor, zero_tensor};
    product.run(run, &left);
  };
}

constexpr OperatorDefinition rows[] = {
    {.type = "MatMulInteger",
     .first_opset = 10,
     .least_inputs = 2,
     .most_inputs = 4,
     .infer = infer_sums,
     .prepare = prepare_product<sums_inputs>},
    {.type = "MatMulIntegerToFloat",
     .domain = "com.microsoft",
     .least_inputs = 4,
     .most_inputs = 7,
     .infer = infer_to_float,
     .prepare = prepare_product<to_float_inputs>},
    {.type = "DynamicQuantizeMatMul",
     .domain = "com.microsoft",
     .least_inputs = 3,
     .most_inputs = 5,
     .infer = infer_dynamic,
     .prepare = prepare_dynamic},
};

}  // namespace

Family integer_matrix_product() { return rows; }

}  // namespace titrate::engine::ops
