#include "engine/ops/bf16_product.hpp"

#include <algorithm>
#include <memory>

#include "engine/kernels/convolution/bf16.hpp"
#include "engine/ops/convolution_shape.hpp"
#include "engine/ops/fused_activation.hpp"

namespace titrate::engine::ops {
namespace {

// As the float operators, were the weights float.
std::vector<OutputType> infer_as(const InferRequest& request, std::string_view domain) {
  constexpr std::int64_t newest = 1000;
  if (request.type(1) != DataType::undefined && request.type(1) != DataType::bfloat16) request.refuse("its weights are not bfloat16");
  std::vector<Operand> operands(request.inputs.begin(), request.inputs.end());
  operands.at(1).type = DataType::float32;
  operands.at(1).value = nullptr;
  const OperatorDefinition* row = find_operator(request.node.type, domain, newest);
  if (row == nullptr) throw Error(ErrorCode::internal, "no operator to infer as", request.node.described());
  return row->infer({request.node, newest, operands});
}
std::vector<OutputType> infer_onnx(const InferRequest& request) { return infer_as(request, ""); }
std::vector<OutputType> infer_microsoft(const InferRequest& request) { return infer_as(request, "com.microsoft"); }

const Tensor& constant_weights(const PrepareRequest& request) {
  const Tensor* weights = request.constant(1);
  if (weights == nullptr || weights->type() != DataType::bfloat16) request.refuse("its weights are not constant bfloat16 numbers");
  return *weights;
}

// --- matrix products

struct PreparedProduct {
  Node node;
  const kernels::Bf16Kernels& kernels;
  kernels::PackedBf16Columns weights;
  kernels::Activation activation;
};

void run_product(const PreparedProduct& prepared, RunContext& run) {
  if (run.out().elements() == 0) return;
  const auto columns = prepared.weights.columns();
  const auto depth = prepared.weights.depth();
  const auto target = run.out().mutable_data<float>();
  const std::size_t rows = target.size() / columns;
  const float* bias = nullptr;
  if (run.has(2)) {
    if (run.in(2).elements() != static_cast<std::int64_t>(columns))
      throw_invalid("C is not one number a column", prepared.node.described());
    bias = run.in(2).data<float>().data();
  }
  const bool transposed = prepared.node.integer("transA", 0) != 0;
  const kernels::Bf16Product product{.a = {run.in(0).data<float>().data(), rows, depth, transposed ? 1 : depth, transposed ? rows : 1},
                                     .b = prepared.weights,
                                     .c = target.data(),
                                     .c_stride = columns,
                                     .column_start = bias};
  const std::size_t bytes = kernels::bf16_product_scratch(prepared.kernels, rows, prepared.weights);
  kernels::multiply(prepared.kernels, kernels::bf16_rounding(selected_isa()), product,
                    std::as_writable_bytes(run.scratch.floats(bytes / sizeof(float))).data());
  kernels::Epilogue(selected_isa(), prepared.activation, nullptr).finish(target.data(), 0, target.size());
}

Step prepare_product(const PrepareRequest& request) {
  const Tensor& tensor = constant_weights(request);
  if (tensor.rank() != 2) request.refuse("its weights are no matrix");
  if (request.node.number("alpha", 1.0F) != 1.0F || request.node.number("beta", 1.0F) != 1.0F) request.refuse("alpha or beta is not 1");
  const bool transposed = request.node.integer("transB", 0) != 0;
  const auto rows = static_cast<std::size_t>(tensor.shape()[0]);
  const auto columns = static_cast<std::size_t>(tensor.shape()[1]);
  const auto* bits = tensor.bits<std::uint16_t>().data();
  const kernels::Bf16View view =
      transposed ? kernels::Bf16View{bits, columns, rows, 1, columns} : kernels::Bf16View{bits, rows, columns, columns, 1};
  const kernels::Bf16Kernels& kernels = kernels::bf16_kernels(selected_isa());
  auto prepared = std::make_shared<const PreparedProduct>(
      PreparedProduct{.node = request.node,
                      .kernels = kernels,
                      .weights = kernels::PackedBf16Columns(kernels, view),
                      .activation = request.node.type == "FusedGemm" ? activation_of_gemm(request.node) : kernels::Activation{}});
  return [prepared](RunContext& run) { run_product(*prepared, run); };
}

// --- convolution

struct PreparedConvolution {
  Node node;
  std::int64_t groups;
  kernels::Bf16ConvolutionKernels kernels;
  kernels::PackedBf16Filters filters;
  kernels::Activation activation;
};

void run_convolution(const PreparedConvolution& prepared, RunContext& run) {
  if (run.out().elements() == 0) return;
  const Shape& weights = run.in(1).shape();
  const Window window = read_window(prepared.node, weights.size() - 2, Shape(weights.begin() + 2, weights.end()));
  const auto geometry = convolution_geometry(window, run.in(0).shape(), weights, run.out().shape(), prepared.groups, prepared.node);
  const float* bias = run.has(2) ? run.in(2).data<float>().data() : nullptr;
  const float* addend = nullptr;
  if (run.has(3)) {
    if (run.in(3).shape() != run.out().shape()) throw_invalid("the addend has another shape than the output", prepared.node.described());
    addend = run.in(3).data<float>().data();
  }
  const kernels::Epilogue epilogue(selected_isa(), prepared.activation, addend);
  const auto scratch = run.scratch.floats(kernels::bf16_convolution_scratch(prepared.kernels.product, geometry));
  kernels::convolve(prepared.kernels, geometry, prepared.filters, bias, run.in(0).data<float>().data(),
                    run.out().mutable_data<float>().data(), scratch, epilogue);
}

Step prepare_convolution(const PrepareRequest& request) {
  const Tensor& tensor = constant_weights(request);
  if (tensor.rank() < 3) request.refuse("its weights have no window");
  const std::int64_t groups = request.node.integer("group", 1);
  kernels::ConvolutionGeometry geometry;
  geometry.groups = groups;
  geometry.channels = tensor.shape()[1];
  geometry.filters = tensor.shape()[0] / groups;
  geometry.kernel = three(Shape(tensor.shape().begin() + 2, tensor.shape().end()));
  const kernels::Bf16Kernels& kernels = kernels::bf16_kernels(selected_isa());
  auto prepared = std::make_shared<const PreparedConvolution>(PreparedConvolution{
      .node = request.node,
      .groups = groups,
      .kernels = {kernels, kernels::bf16_rounding(selected_isa()), kernels::sgemm_kernels(selected_isa())},
      .filters = kernels::PackedBf16Filters(kernels, geometry, tensor.bits<std::uint16_t>().data()),
      .activation = request.node.type == "FusedConv" ? activation_of_convolution(request.node) : kernels::Activation{}});
  return [prepared](RunContext& run) { run_convolution(*prepared, run); };
}

constexpr OperatorDefinition rows[] = {
    {.type = "Conv", .domain = bf16_domain, .least_inputs = 2, .most_inputs = 3, .infer = infer_onnx, .prepare = prepare_convolution},
    {.type = "FusedConv",
     .domain = bf16_domain,
     .least_inputs = 2,
     .most_inputs = 4,
     .infer = infer_microsoft,
     .prepare = prepare_convolution},
    {.type = "MatMul", .domain = bf16_domain, .least_inputs = 2, .most_inputs = 2, .infer = infer_onnx, .prepare = prepare_product},
    {.type = "Gemm", .domain = bf16_domain, .least_inputs = 2, .most_inputs = 3, .infer = infer_onnx, .prepare = prepare_product},
    {.type = "FusedGemm", .domain = bf16_domain, .least_inputs = 2, .most_inputs = 3, .infer = infer_microsoft, .prepare = prepare_product},
};

}  // namespace

bool has_bf16_instructions() { return kernels::bf16_kernels(selected_isa()).native; }

Family bf16_product() { return rows; }

}  // namespace titrate::engine::ops
