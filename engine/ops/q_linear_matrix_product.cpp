// QLinearMatMul and QGemm (com.microsoft): products of 8-bit codes that give 8-bit codes; QGemm without y_scale gives float32.
#include "engine/ops/integer_product.hpp"
#include "engine/ops/table.hpp"

namespace titrate::engine::ops {
namespace {

constexpr ProductInputs matmul_inputs{.a = 0, .a_scale = 1, .a_zero = 2, .b = 3, .b_scale = 4, .b_zero = 5, .y_scale = 6, .y_zero = 7};
constexpr ProductInputs gemm_inputs{
    .a = 0, .a_scale = 1, .a_zero = 2, .b = 3, .b_scale = 4, .b_zero = 5, .y_scale = 7, .y_zero = 8, .addend = 6};

DataType code_type(const InferRequest& request, std::size_t index) {
  const DataType type = request.type(index);
  if (type != DataType::undefined && type != DataType::uint8 && type != DataType::int8) {
    request.refuse(cat("y_zero_point is ", name_of(type), ", not an 8-bit integer"));
  }
  return type;
}

std::vector<OutputType> infer_matmul(const InferRequest& request) {
  check_codes(request, 0, 2);
  return {infer_integer_product(request, matmul_inputs, code_type(request, 7), false)};
}

// C stretches over [M, N] in one direction only.
void check_addend(const InferRequest& request, const std::optional<Shape>& output) {
  if (request.type(6) != DataType::undefined && request.type(6) != DataType::int32) request.refuse("C is not int32");
  const Shape* c = request.shape(6);
  if (c == nullptr || !output) return;
  bool fits = c->size() <= 2;
  for (std::size_t back = 1; fits && back <= c->size(); ++back) {
    const std::int64_t size = (*c)[c->size() - back];
    const std::int64_t wanted = (*output)[2 - back];
    fits = size == 1 || size < 0 || wanted < 0 || size == wanted;
  }
  if (!fits) request.refuse(cat("C ", to_text(*c), " does not stretch to ", to_text(*output)));
}

std::vector<OutputType> infer_gemm(const InferRequest& request) {
  check_codes(request, 0, 2);
  if (request.has(7) != request.has(8)) request.refuse("y_scale and y_zero_point are given or left out together");
  const DataType type = request.has(8) ? code_type(request, 8) : DataType::float32;
  OutputType output = infer_integer_product(request, gemm_inputs, type, true);
  check_addend(request, output.shape);
  return {output};
}

template <const ProductInputs& inputs>
Step prepare_product(const PrepareRequest& request) {
  return [product = IntegerProduct(request, inputs)](RunContext& run) { product.run(run); };
}

constexpr OperatorDefinition rows[] = {
    {.type = "QLinearMatMul",
     .first_opset = 10,
     .least_inputs = 8,
     .most_inputs = 8,
     .infer = infer_matmul,
     .prepare = prepare_product<matmul_inputs>},
    {.type = "QGemm",
     .domain = "com.microsoft",
     .least_inputs = 6,
     .most_inputs = 9,
     .infer = infer_gemm,
     .prepare = prepare_product<gemm_inputs>},
};

}  // namespace

Family q_linear_matrix_product() { return rows; }

}  // namespace titrate::engine::ops
