// QLinearConv (ONNX, and com.microsoft with channels_last) and ConvInteger: convolutions of 8-bit codes, exact int32 sums.
#include <algorithm>
#include <memory>

#include "engine/kernels/convolution/depthwise_int8.hpp"
#include "engine/kernels/convolution/integer.hpp"
#include "engine/kernels/threads.hpp"
#include "engine/ops/convolution_shape.hpp"
#include "engine/ops/integer_product.hpp"
#include "engine/ops/table.hpp"

namespace titrate::engine::ops {
namespace {

constexpr std::size_t none = ProductInputs::none;

// Where the inputs of a kind of convolution stand.
struct ConvolutionInputs {
  std::size_t x, x_scale, x_zero;
  std::size_t w, w_scale, w_zero;
  std::size_t y_scale, y_zero;
  std::size_t bias;
};
constexpr ConvolutionInputs q_linear{
    .x = 0, .x_scale = 1, .x_zero = 2, .w = 3, .w_scale = 4, .w_zero = 5, .y_scale = 6, .y_zero = 7, .bias = 8};
constexpr ConvolutionInputs sums_only{
    .x = 0, .x_scale = none, .x_zero = 2, .w = 1, .w_scale = none, .w_zero = 3, .y_scale = none, .y_zero = none, .bias = none};

bool is_channels_last(const Node& node) { return node.integer("channels_last", 0) != 0; }

// From batch, space, channels to batch, channels, space, and back.
Shape channels_first(Shape shape) {
  if (shape.size() > 2) std::rotate(shape.begin() + 1, shape.end() - 1, shape.end());
  return shape;
}
Shape channels_last(Shape shape) {
  if (shape.size() > 2) std::rotate(shape.begin() + 1, shape.begin() + 2, shape.end());
  return shape;
}

void check_one_number(const InferRequest& request, std::size_t index) {
  const Shape* shape = request.shape(index);
  if (shape == nullptr || std::any_of(shape->begin(), shape->end(), [](std::int64_t size) { return size < 0; })) return;
  if (element_count(*shape) != 1) request.refuse(cat("input ", index, " ", to_text(*shape), " is not one number"));
}

// One for all, or one a filter.
void check_filter_parameter(const InferRequest& request, std::size_t index, const Shape* weights) {
  const Shape* shape = request.shape(index);
  if (shape == nullptr || weights == nullptr || weights->empty()) return;
  if (std::any_of(shape->begin(), shape->end(), [](std::int64_t size) { return size < 0; })) return;
  const std::int64_t count = element_count(*shape);
  if (count != 1 && (*weights)[0] >= 0 && count != (*weights)[0]) {
    request.refuse(cat("input ", index, " ", to_text(*shape), " is neither one number nor one for each of ", (*weights)[0], " filters"));
  }
}

std::vector<OutputType> infer_convolution(const InferRequest& request, const ConvolutionInputs& inputs, DataType type) {
  check_codes(request, inputs.x, inputs.x_zero);
  check_codes(request, inputs.w, inputs.w_zero);
  const bool last = is_channels_last(request.node);
  std::optional<Shape> x;
  if (const Shape* shape = request.shape(inputs.x)) x = last ? channels_first(*shape) : *shape;
  const Shape* weights = request.shape(inputs.w);
  for (const std::size_t index : {inputs.x_scale, inputs.x_zero, inputs.y_scale, inputs.y_zero}) check_one_number(request, index);
  check_filter_parameter(request, inputs.w_scale, weights);
  check_filter_parameter(request, inputs.w_zero, weights);
  OutputType output{.type = type, .shape = convolution_output(request, {x ? &*x : nullptr, weights, request.shape(inputs.bias)})};
  if (output.shape && last) output.shape = channels_last(*output.shape);
  return {output};
}

std::vector<OutputType> infer_q_linear(const InferRequest& request) {
  const DataType type = request.type(q_linear.y_zero);
  if (type != DataType::undefined && type != DataType::uint8 && type != DataType::int8) {
    request.refuse(cat("y_zero_point is ", name_of(type), ", not an 8-bit integer"));
  }
  if (request.type(q_linear.bias) != DataType::undefined && request.type(q_linear.bias) != DataType::int32) {
    request.refuse(cat("the bias is ", name_of(request.type(q_linear.bias)), ", not int32"));
  }
  return infer_convolution(request, q_linear, type);
}

std::vector<OutputType> infer_sums(const InferRequest& request) { return infer_convolution(request, sums_only, DataType::int32); }

// The tensors of the parameters, null where the operator has no such input, the node leaves it out, or (when preparing) it is not constant.
struct ParameterTensors {
  const Tensor* x_scale;
  const Tensor* x_zero;
  const Tensor* w_scale;
  const Tensor* w_zero;
  const Tensor* y_scale;
  const Tensor* bias;

  template <class Get>
  ParameterTensors(const ConvolutionInputs& inputs, const Get& get)
      : x_scale(get(inputs.x_scale)),
        x_zero(get(inputs.x_zero)),
        w_scale(get(inputs.w_scale)),
        w_zero(get(inputs.w_zero)),
        y_scale(get(inputs.y_scale)),
        bias(get(inputs.bias)) {}
};

ParameterTensors tensors_of(const ConvolutionInputs& inputs, const RunContext& run) {
  return ParameterTensors(inputs, [&](std::size_t index) { return run.has(index) ? &run.in(index) : nullptr; });
}

// One a filter: x_scale * w_scale / y_scale.
std::vector<float> multipliers_of(const ParameterTensors& tensors, std::size_t filters) {
  const float x_scale = scales_of(*tensors.x_scale).at(0);
  const float y_scale = scales_of(*tensors.y_scale).at(0);
  const std::vector<float> w_scales = scales_of(*tensors.w_scale);
  std::vector<float> multipliers(filters);
  for (std::size_t filter = 0; filter < filters; ++filter) {
    multipliers[filter] = x_scale * w_scales[w_scales.size() == 1 ? 0 : filter] / y_scale;
  }
  return multipliers;
}

struct Parameters {
  std::vector<kernels::Compensation> compensations;  // one a group
  std::vector<float> multipliers;                    // one a filter, for codes
};

Parameters parameters_of(const ParameterTensors& tensors, const kernels::PackedCodeFilters& filters, bool x_is_signed) {
  Parameters parameters;
  const std::int32_t x_zero = tensors.x_zero == nullptr ? 0 : code_at(*tensors.x_zero, 0);
  const std::vector<std::int32_t> w_zero = codes_of(tensors.w_zero);
  const std::vector<std::int32_t> bias = codes_of(tensors.bias);
  std::size_t first = 0;
  for (const kernels::PackedCodes& group : filters.groups()) {
    const auto own = [&](const std::vector<std::int32_t>& numbers) {
      return numbers.size() <= 1 ? std::span(numbers) : std::span(numbers).subspan(first, group.columns());
    };
    parameters.compensations.push_back(kernels::compensation(group, x_is_signed, x_zero, own(w_zero), own(bias)));
    first += group.columns();
  }
  if (tensors.x_scale != nullptr) parameters.multipliers = multipliers_of(tensors, first);
  return parameters;
}

// What the weights alone decide.
kernels::ConvolutionGeometry filter_geometry(const Tensor& w, std::int64_t groups) {
  kernels::ConvolutionGeometry geometry;
  geometry.groups = groups;
  geometry.channels = w.shape()[1];
  geometry.filters = w.shape()[0] / groups;
  geometry.kernel = three(Shape(w.shape().begin() + 2, w.shape().end()));
  return geometry;
}

kernels::PackedCodeFilters pack_filters(const Tensor& w, std::int64_t groups) {
  return {kernels::igemm_kernels(selected_isa()), filter_geometry(w, groups), w.bits<std::uint8_t>().data(), w.type() == DataType::int8};
}

// One filter a channel: a kernel of its own, which gives codes only.
bool is_depthwise(const Tensor& w, std::int64_t groups) { return groups > 1 && w.shape()[1] == 1 && w.shape()[0] == groups; }

kernels::PackedDepthwise pack_depthwise(const Tensor& w, const ParameterTensors& tensors) {
  const std::vector<std::int32_t> w_zero = codes_of(tensors.w_zero);
  const std::vector<std::int32_t> bias = codes_of(tensors.bias);
  const auto channels = static_cast<std::size_t>(w.shape()[0]);
  const std::size_t taps = static_cast<std::size_t>(w.elements()) / channels;
  std::vector<std::int16_t> differences(channels * taps);
  for (std::size_t index = 0; index < differences.size(); ++index) {
    const std::int32_t zero = w_zero.empty() ? 0 : w_zero[w_zero.size() == 1 ? 0 : index / taps];
    differences[index] = static_cast<std::int16_t>(code_at(w, index) - zero);
  }
  return {filter_geometry(w, w.shape()[0]), differences, bias, tensors.x_zero == nullptr ? 0 : code_at(*tensors.x_zero, 0),
          multipliers_of(tensors, channels)};
}

struct PreparedConvolution {
  Node node;
  ConvolutionInputs inputs;
  bool last;
  std::int64_t groups;
  std::optional<kernels::PackedCodeFilters> filters;  // of constant weights
  std::optional<Parameters> parameters;               // where all of them are constant
  std::optional<kernels::PackedDepthwise> depthwise;  // where weights and parameters are constant
};

// Both directions between [batch, rows, columns] and [batch, columns, rows], for elements of one size. Blocks that fit the first cache.
template <class Element>
void transpose_images(const Element* source, Element* target, std::size_t batch, std::size_t rows, std::size_t columns) {
  constexpr std::size_t block = 16;
  const std::size_t row_blocks = (rows + block - 1) / block;
  kernels::parallel_for(batch * row_blocks, [&](std::size_t index, std::size_t) {
    const std::size_t image = index / row_blocks * rows * columns;
    const std::size_t first = index % row_blocks * block;
    const std::size_t end = std::min(first + block, rows);
    for (std::size_t column = 0; column < columns; ++column) {
      for (std::size_t row = first; row < end; ++row) target[image + column * rows + row] = source[image + row * columns + column];
    }
  });
}

struct Sizes {
  std::size_t batch, channels, input, filters, output;
  explicit Sizes(const kernels::ConvolutionGeometry& geometry)
      : batch(static_cast<std::size_t>(geometry.batch)),
        channels(static_cast<std::size_t>(geometry.groups * geometry.channels)),
        input(static_cast<std::size_t>(geometry.input_size())),
        filters(static_cast<std::size_t>(geometry.groups * geometry.filters)),
        output(static_cast<std::size_t>(geometry.output_size())) {}
};

// What one run works on: both images have channels last.
struct Images {
  kernels::ConvolutionGeometry geometry;
  const std::uint8_t* x;
  void* y;
};

void run_tiles(const PreparedConvolution& prepared, const Images& images, RunContext& run) {
  const ConvolutionInputs& inputs = prepared.inputs;
  const bool x_is_signed = run.in(inputs.x).type() == DataType::int8;
  std::optional<kernels::PackedCodeFilters> filters_now;
  if (!prepared.filters) filters_now = pack_filters(run.in(inputs.w), prepared.groups);
  const kernels::PackedCodeFilters& filters = prepared.filters ? *prepared.filters : *filters_now;
  std::optional<Parameters> parameters_now;
  if (!prepared.parameters) parameters_now = parameters_of(tensors_of(inputs, run), filters, x_is_signed);
  const Parameters& parameters = prepared.parameters ? *prepared.parameters : *parameters_now;

  const kernels::IgemmKernels& igemm = kernels::igemm_kernels(selected_isa());
  std::byte* scratch = scratch_bytes(run.scratch, kernels::convolution_scratch(igemm, images.geometry, filters));
  const kernels::SumsOutput output{.form = form_of(run.out().type()),
                                   .target = images.y,
                                   .stride = static_cast<std::size_t>(images.geometry.groups * images.geometry.filters),
                                   .multipliers = parameters.multipliers.empty() ? nullptr : parameters.multipliers.data(),
                                   .zero_point = run.has(inputs.y_zero) ? code_at(run.in(inputs.y_zero), 0) : 0};
  kernels::convolve_codes(igemm, kernels::requantize_kernels(selected_isa()), images.geometry, filters, parameters.compensations,
                          {images.x, x_is_signed, run.has(inputs.x_zero) ? code_at(run.in(inputs.x_zero), 0) : 0}, output, scratch);
}

template <class X, class Y>
void run_depthwise(const Images& images, const kernels::PackedDepthwise& packed, std::int32_t y_zero, std::span<std::byte> scratch) {
  kernels::convolve_depthwise(kernels::depthwise_int8_kernels(selected_isa()), images.geometry, packed,
                              reinterpret_cast<const X*>(images.x), y_zero, static_cast<Y*>(images.y), scratch);
}

void run_depthwise(const PreparedConvolution& prepared, const Images& images, RunContext& run) {
  const ConvolutionInputs& inputs = prepared.inputs;
  std::optional<kernels::PackedDepthwise> now;
  if (!prepared.depthwise) now = pack_depthwise(run.in(inputs.w), tensors_of(inputs, run));
  const kernels::PackedDepthwise& packed = prepared.depthwise ? *prepared.depthwise : *now;
  const std::int32_t y_zero = code_at(run.in(inputs.y_zero), 0);
  const std::size_t bytes = kernels::depthwise_int8_scratch(images.geometry);
  const std::span<std::byte> scratch(scratch_bytes(run.scratch, bytes), bytes);
  const bool from_signed = run.in(inputs.x).type() == DataType::int8;
  const bool to_signed = run.out().type() == DataType::int8;
  if (from_signed) {
    to_signed ? run_depthwise<std::int8_t, std::int8_t>(images, packed, y_zero, scratch)
              : run_depthwise<std::int8_t, std::uint8_t>(images, packed, y_zero, scratch);
  } else {
    to_signed ? run_depthwise<std::uint8_t, std::int8_t>(images, packed, y_zero, scratch)
              : run_depthwise<std::uint8_t, std::uint8_t>(images, packed, y_zero, scratch);
  }
}

// Kernels want channels last; a channels-first image is transposed on the way in and out.
void run_convolution(const PreparedConvolution& prepared, RunContext& run) {
  if (run.out().elements() == 0) return;
  const Tensor& x = run.in(prepared.inputs.x);
  const Tensor& w = run.in(prepared.inputs.w);
  const Shape input = prepared.last ? channels_first(x.shape()) : x.shape();
  const Shape output = prepared.last ? channels_first(run.out().shape()) : run.out().shape();
  const Window window = read_window(prepared.node, w.shape().size() - 2, Shape(w.shape().begin() + 2, w.shape().end()));
  Images images{convolution_geometry(window, input, w.shape(), output, prepared.groups, prepared.node), x.bits<std::uint8_t>().data(),
                run.out().mutable_bytes().data()};
  const Sizes sizes(images.geometry);
  const bool sums = run.out().type() == DataType::int32;
  if (!prepared.last) {
    auto* image = reinterpret_cast<std::uint8_t*>(scratch_bytes(run.scratch, sizes.batch * sizes.channels * sizes.input, 1));
    transpose_images(images.x, image, sizes.batch, sizes.channels, sizes.input);
    images.x = image;
    images.y = scratch_bytes(run.scratch, run.out().bytes().size(), 2);
  }
  if (!sums && is_depthwise(w, prepared.groups)) {
    run_depthwise(prepared, images, run);
  } else {
    run_tiles(prepared, images, run);
  }
  if (prepared.last) return;
  if (sums) {
    transpose_images(static_cast<const std::int32_t*>(images.y), run.out().mutable_data<std::int32_t>().data(), sizes.batch, sizes.output,
                     sizes.filters);
  } else {
    transpose_images(static_cast<const std::uint8_t*>(images.y), run.out().mutable_bits<std::uint8_t>().data(), sizes.batch, sizes.output,
                     sizes.filters);
  }
}

// Whether every parameter that the node has is constant, and the type of x known. Counts that do not fit are left to infer(), which refuses
// them as soon as it sees all shapes.
bool parameters_are_constant(const PrepareRequest& request, const ConvolutionInputs& inputs, std::int64_t filters) {
  const auto holds = [&](std::size_t index, std::int64_t count) {
    return !request.has(index) || (request.constant(index) != nullptr && request.constant(index)->elements() == count);
  };
  bool constant = request.type(inputs.x) != DataType::undefined && holds(inputs.bias, filters);
  for (const std::size_t index : {inputs.x_scale, inputs.x_zero, inputs.y_scale}) constant = constant && holds(index, 1);
  for (const std::size_t index : {inputs.w_scale, inputs.w_zero}) constant = constant && (holds(index, 1) || holds(index, filters));
  return constant;
}

bool are_filters(const Tensor* w, std::int64_t groups) {
  return w != nullptr && w->elements() > 0 && w->rank() >= 3 && w->rank() <= 5 && groups > 0 && w->shape()[0] % groups == 0;
}

template <const ConvolutionInputs& inputs>
Step prepare_convolution(const PrepareRequest& request) {
  auto prepared = std::make_shared<PreparedConvolution>(PreparedConvolution{
      request.node, inputs, is_channels_last(request.node), request.node.integer("group", 1), std::nullopt, std::nullopt, std::nullopt});
  if (const Tensor* w = request.constant(inputs.w); are_filters(w, prepared->groups)) {
    const bool constant = parameters_are_constant(request, inputs, w->shape()[0]);
    const ParameterTensors tensors(inputs, [&](std::size_t index) { return request.constant(index); });
    if (inputs.y_zero != none && is_depthwise(*w, prepared->groups)) {
      if (constant) prepared->depthwise = pack_depthwise(*w, tensors);
    } else {
      prepared->filters = pack_filters(*w, prepared->groups);
      if (constant) prepared->parameters = parameters_of(tensors, *prepared->filters, request.type(inputs.x) == DataType::int8);
    }
  }
  return [prepared = std::shared_ptr<const PreparedConvolution>(std::move(prepared))](RunContext& run) { run_convolution(*prepared, run); };
}

constexpr OperatorDefinition rows[] = {
    {.type = "QLinearConv",
     .first_opset = 10,
     .least_inputs = 8,
     .most_inputs = 9,
     .infer = infer_q_linear,
     .prepare = prepare_convolution<q_linear>},
    {.type = "QLinearConv",
     .domain = "com.microsoft",
     .least_inputs = 8,
     .most_inputs = 9,
     .infer = infer_q_linear,
     .prepare = prepare_convolution<q_linear>},
    {.type = "ConvInteger",
     .first_opset = 10,
     .least_inputs = 2,
     .most_inputs = 4,
     .infer = infer_sums,
     .prepare = prepare_convolution<sums_only>},
};

}  // namespace

Family q_linear_convolution() { return rows; }

}  // namespace titrate::engine::ops
