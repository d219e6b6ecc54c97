// Conv and FusedConv: 1-D to 3-D, grouped, dilated, strided, every auto_pad. float32 runs as an implicit matrix product, depthwise filters
// by a kernel of their own; float16 and bfloat16 compute in float32; float64 takes the plain loops.
#include <algorithm>
#include <memory>

#include "engine/kernels/convolution/convolution.hpp"
#include "engine/kernels/convolution/depthwise.hpp"
#include "engine/kernels/convolution/plain.hpp"
#include "engine/kernels/threads.hpp"
#include "engine/ops/convolution_shape.hpp"
#include "engine/ops/fused_activation.hpp"
#include "engine/ops/table.hpp"
#include "engine/ops/widened.hpp"

namespace titrate::engine::ops {
namespace {

void check_types(const InferRequest& request) {
  for (std::size_t index = 1; index < 3; ++index) {
    if (request.type(0) != DataType::undefined && request.type(index) != DataType::undefined && request.type(index) != request.type(0)) {
      request.refuse(cat("input ", index, " is ", name_of(request.type(index)), ", input 0 is ", name_of(request.type(0))));
    }
  }
}

std::vector<OutputType> infer_convolution(const InferRequest& request) {
  check_types(request);
  return {{.type = request.type(0), .shape = convolution_output(request, {request.shape(0), request.shape(1), request.shape(2)})}};
}

bool is_depthwise(const kernels::ConvolutionGeometry& geometry) { return geometry.channels == 1 && geometry.groups > 1; }

// A node that outlives the request: the step needs its attributes and its name.
struct PreparedConvolution {
  Node node;
  std::int64_t groups;
  const kernels::SgemmKernels& sgemm;
  const kernels::DepthwiseKernel depthwise;
  kernels::Activation activation;
  std::optional<kernels::PackedFilters> filters;  // of constant weights
  // For constant weights and an input whose sizes were known but for the batch.
  Shape expected_input;
  kernels::ConvolutionGeometry expected_geometry;
  std::optional<kernels::PhaseLayout> expected_layout;  // unless filters have a form without one

  [[nodiscard]] bool is_expected(const Shape& input) const {
    return input.size() == expected_input.size() && std::equal(input.begin() + 1, input.end(), expected_input.begin() + 1);
  }

  [[nodiscard]] kernels::ConvolutionGeometry geometry(const RunContext& run) const {
    const Shape& input = run.in(0).shape();
    if (is_expected(input)) {
      kernels::ConvolutionGeometry expected = expected_geometry;
      expected.batch = input[0];
      return expected;
    }
    const Shape& weights = run.in(1).shape();
    const Window window = read_window(node, weights.size() - 2, Shape(weights.begin() + 2, weights.end()));
    return convolution_geometry(window, run.in(0).shape(), weights, run.out().shape(), groups, node);
  }
};

void run_convolution(const PreparedConvolution& prepared, RunContext& run) {
  if (run.out().elements() == 0) return;
  const kernels::ConvolutionGeometry geometry = prepared.geometry(run);
  const float* weights = run.in(1).data<float>().data();
  const float* bias = run.has(2) ? run.in(2).data<float>().data() : nullptr;
  const float* input = run.in(0).data<float>().data();
  float* output = run.out().mutable_data<float>().data();
  const float* addend = nullptr;
  if (run.has(3)) {
    if (run.in(3).shape() != run.out().shape()) throw_invalid("the addend has another shape than the output", prepared.node.described());
    addend = run.in(3).data<float>().data();
  }
  const kernels::Epilogue epilogue(selected_isa(), prepared.activation, addend);
  const double products = static_cast<double>(run.out().elements()) * static_cast<double>(geometry.depth());
  const kernels::OneThread alone(products < kernels::least_shared_products);
  if (is_depthwise(geometry)) {
    const auto scratch = run.scratch.floats(kernels::depthwise_scratch(prepared.depthwise, geometry));
    kernels::convolve_depthwise(prepared.depthwise, geometry, weights, bias, input, output, scratch, epilogue);
    return;
  }
  std::optional<kernels::PackedFilters> packed_now;
  if (!prepared.filters) packed_now.emplace(prepared.sgemm, geometry, weights, kernels::preferred_form(prepared.sgemm, geometry));
  const kernels::PackedFilters& filters = prepared.filters ? *prepared.filters : *packed_now;
  const kernels::PhaseLayout* layout =
      prepared.expected_layout && prepared.is_expected(run.in(0).shape()) ? &*prepared.expected_layout : nullptr;
  const auto scratch = run.scratch.floats(kernels::convolution_scratch(prepared.sgemm, geometry, filters.form(), layout));
  kernels::convolve(prepared.sgemm, geometry, filters, bias, input, output, scratch, epilogue, layout);
}

// What constant weights and an input of known sizes, but for the batch, decide before the run.
void expect_input(const PrepareRequest& request, const Shape& weights, PreparedConvolution& prepared) {
  const std::optional<Shape>& input = request.inputs[0].shape;
  const auto known = [](std::int64_t size) { return size > 0; };
  if (!input || input->size() != weights.size() || !std::all_of(input->begin() + 1, input->end(), known)) return;
  const Window window = read_window(request.node, weights.size() - 2, Shape(weights.begin() + 2, weights.end()));
  Shape one = *input;
  one[0] = 1;
  Shape output{1, weights[0]};
  for (const std::int64_t size : spatial_outputs(window, one, request.node)) output.push_back(size);
  prepared.expected_geometry = convolution_geometry(window, one, weights, output, prepared.groups, request.node);
  prepared.expected_input = std::move(one);
}

// Without the input's size the form for large images, which is never bad.
kernels::ConvolutionForm form_for(const PreparedConvolution& prepared) {
  if (prepared.expected_input.empty()) return kernels::ConvolutionForm::columns;
  return kernels::preferred_form(prepared.sgemm, prepared.expected_geometry);
}

Step prepare_float(const PrepareRequest& request) {
  const std::int64_t groups = request.node.integer("group", 1);
  auto prepared = std::make_shared<PreparedConvolution>(
      PreparedConvolution{request.node,
                          groups,
                          kernels::sgemm_kernels(selected_isa()),
                          kernels::depthwise_kernel(selected_isa()),
                          request.node.type == "FusedConv" ? activation_of_convolution(request.node) : kernels::Activation{},
                          std::nullopt,
                          {},
                          {},
                          std::nullopt});
  if (const Tensor* weights = request.constant(1); weights != nullptr && weights->elements() > 0) {
    kernels::ConvolutionGeometry geometry;
    geometry.groups = groups;
    geometry.channels = weights->shape()[1];
    geometry.filters = weights->shape()[0] / groups;
    geometry.kernel = three(Shape(weights->shape().begin() + 2, weights->shape().end()));
    expect_input(request, weights->shape(), *prepared);
    if (!is_depthwise(geometry)) {
      const kernels::ConvolutionForm form = form_for(*prepared);
      prepared->filters.emplace(prepared->sgemm, geometry, weights->data<float>().data(), form);
      if (!prepared->expected_input.empty() && form != kernels::ConvolutionForm::winograd)
        prepared->expected_layout = kernels::convolution_layout(prepared->expected_geometry, form);
    }
  }
  return [prepared = std::shared_ptr<const PreparedConvolution>(std::move(prepared))](RunContext& run) { run_convolution(*prepared, run); };
}

Step prepare_double(const PrepareRequest& request) {
  return [node = request.node](RunContext& run) {
    if (run.out().elements() == 0) return;
    const Shape& weights = run.in(1).shape();
    const Window window = read_window(node, weights.size() - 2, Shape(weights.begin() + 2, weights.end()));
    const auto geometry = convolution_geometry(window, run.in(0).shape(), weights, run.out().shape(), node.integer("group", 1), node);
    kernels::convolve_plainly<double>(geometry, run.in(0).data<double>().data(), run.in(1).data<double>().data(),
                                      run.has(2) ? run.in(2).data<double>().data() : nullptr, run.out().mutable_data<double>().data());
  };
}

Step prepare_convolution(const PrepareRequest& request) {
  switch (request.type(0)) {
    case DataType::float32:
      return prepare_float(request);
    case DataType::float64:
      return prepare_double(request);
    case DataType::float16:
    case DataType::bfloat16:
      return prepare_widened(request, prepare_float);
    default:
      request.refuse(cat("Conv of ", name_of(request.type(0)), " is not supported"));
  }
}

// X, W, B and Z, an addend of the output's shape: activation(Conv(X, W, B) + Z).
std::vector<OutputType> infer_fused(const InferRequest& request) {
  (void)activation_of_convolution(request.node);
  const std::vector<OutputType> outputs = infer_convolution(request);
  if (request.type(3) != DataType::undefined && request.type(0) != DataType::undefined && request.type(3) != request.type(0))
    request.refuse(cat("input 3 is ", name_of(request.type(3)), ", input 0 is ", name_of(request.type(0))));
  return outputs;
}

Step prepare_fused(const PrepareRequest& request) {
  if (request.type(0) != DataType::float32) request.refuse(cat("FusedConv of ", name_of(request.type(0)), " is not supported"));
  return prepare_float(request);
}

constexpr OperatorDefinition rows[] = {
    {.type = "Conv", .least_inputs = 2, .most_inputs = 3, .infer = infer_convolution, .prepare = prepare_convolution},
    {.type = "FusedConv", .domain = "com.microsoft", .least_inputs = 2, .most_inputs = 4, .infer = infer_fused, .prepare = prepare_fused},
};

}  // namespace

Family convolution() { return rows; }

}  // namespace titrate::engine::ops
