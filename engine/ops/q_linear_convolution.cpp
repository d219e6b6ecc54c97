// QLinearConv (ONNX, and com.microsoft with channels_last) and ConvInteger: convolutions of 8-bit codes, exact int32 sums.
#include <algorithm>
#include <memory>

#include "engine/kernels/convolution/plain.hpp"
#include "engine/kernels/requantize/requantize.hpp"
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

struct PreparedConvolution {
  Node node;
  ConvolutionInputs inputs;
  bool last;
  std::int64_t groups;
};

// Differences from the zero points, as unsigned numbers that wrap around; images channel by channel whatever the layout.
std::vector<std::uint32_t> image_differences(const Tensor& x, std::int32_t zero_point, bool last) {
  const auto count = static_cast<std::size_t>(x.elements());
  const auto batch = static_cast<std::size_t>(x.shape()[0]);
  const auto channels = static_cast<std::size_t>(last ? x.shape().back() : x.shape()[1]);
  const std::size_t space = count / (batch * channels);
  std::vector<std::uint32_t> differences(count);
  for (std::size_t image = 0; image < batch; ++image) {
    for (std::size_t channel = 0; channel < channels; ++channel) {
      for (std::size_t at = 0; at < space; ++at) {
        const std::size_t source = last ? (image * space + at) * channels + channel : (image * channels + channel) * space + at;
        differences[(image * channels + channel) * space + at] = static_cast<std::uint32_t>(code_at(x, source) - zero_point);
      }
    }
  }
  return differences;
}

std::vector<std::uint32_t> weight_differences(const Tensor& w, const Tensor* zero_points) {
  const auto count = static_cast<std::size_t>(w.elements());
  const std::size_t depth = count / static_cast<std::size_t>(w.shape()[0]);
  std::vector<std::uint32_t> differences(count);
  for (std::size_t index = 0; index < count; ++index) {
    const std::size_t filter = index / depth;
    const std::int32_t zero_point = zero_points == nullptr ? 0 : code_at(*zero_points, zero_points->elements() == 1 ? 0 : filter);
    differences[index] = static_cast<std::uint32_t>(code_at(w, index) - zero_point);
  }
  return differences;
}

// One multiplier a filter: x_scale * w_scale / y_scale.
std::vector<float> filter_multipliers(const RunContext& run, const ConvolutionInputs& inputs, std::size_t filters) {
  const float x_scale = scales_of(run.in(inputs.x_scale)).at(0);
  const float y_scale = scales_of(run.in(inputs.y_scale)).at(0);
  const std::vector<float> w_scales = scales_of(run.in(inputs.w_scale));
  std::vector<float> multipliers(filters);
  for (std::size_t filter = 0; filter < filters; ++filter) {
    multipliers[filter] = x_scale * w_scales[w_scales.size() == 1 ? 0 : filter] / y_scale;
  }
  return multipliers;
}

void store_codes(const RunContext& run, const PreparedConvolution& prepared, const std::vector<std::uint32_t>& sums, std::size_t filters,
                 std::size_t space) {
  const kernels::RequantizeKernels& kernels = kernels::requantize_kernels(selected_isa());
  const std::vector<float> multipliers = filter_multipliers(run, prepared.inputs, filters);
  const std::int32_t zero_point = code_at(run.in(prepared.inputs.y_zero), 0);
  Tensor& output = run.out();
  std::vector<std::int32_t> row(filters);
  std::vector<std::uint8_t> codes(filters);
  const std::size_t images = sums.size() / (filters * space);
  for (std::size_t pixel = 0; pixel < images * space; ++pixel) {
    const std::size_t first = pixel / space * filters * space + pixel % space;
    for (std::size_t filter = 0; filter < filters; ++filter) row[filter] = static_cast<std::int32_t>(sums[first + filter * space]);
    if (output.type() == DataType::uint8) {
      kernels.to_u8(row.data(), multipliers.data(), zero_point, codes.data(), filters);
    } else {
      kernels.to_s8(row.data(), multipliers.data(), zero_point, reinterpret_cast<std::int8_t*>(codes.data()), filters);
    }
    const std::span<std::uint8_t> target = output.mutable_bits<std::uint8_t>();
    for (std::size_t filter = 0; filter < filters; ++filter) {
      target[prepared.last ? pixel * filters + filter : first + filter * space] = codes[filter];
    }
  }
}

void run_convolution(const PreparedConvolution& prepared, RunContext& run) {
  if (run.out().elements() == 0) return;
  const ConvolutionInputs& inputs = prepared.inputs;
  const Tensor& x = run.in(inputs.x);
  const Tensor& w = run.in(inputs.w);
  const Shape input = prepared.last ? channels_first(x.shape()) : x.shape();
  const Shape output = prepared.last ? channels_first(run.out().shape()) : run.out().shape();
  const Window window = read_window(prepared.node, w.shape().size() - 2, Shape(w.shape().begin() + 2, w.shape().end()));
  const auto geometry = convolution_geometry(window, input, w.shape(), output, prepared.groups, prepared.node);
  const std::int32_t x_zero = run.has(inputs.x_zero) ? code_at(run.in(inputs.x_zero), 0) : 0;
  const auto image = image_differences(x, x_zero, prepared.last);
  const auto weights = weight_differences(w, run.has(inputs.w_zero) ? &run.in(inputs.w_zero) : nullptr);
  const auto* bias =
      run.has(inputs.bias) ? reinterpret_cast<const std::uint32_t*>(run.in(inputs.bias).data<std::int32_t>().data()) : nullptr;
  std::vector<std::uint32_t> sums(static_cast<std::size_t>(run.out().elements()));
  kernels::convolve_plainly(geometry, image.data(), weights.data(), bias, sums.data());
  if (run.out().type() == DataType::int32) {
    std::transform(sums.begin(), sums.end(), run.out().mutable_data<std::int32_t>().begin(),
                   [](std::uint32_t sum) { return static_cast<std::int32_t>(sum); });
    return;
  }
  store_codes(run, prepared, sums, static_cast<std::size_t>(w.shape()[0]), static_cast<std::size_t>(geometry.output_size()));
}

template <const ConvolutionInputs& inputs>
Step prepare_convolution(const PrepareRequest& request) {
  return [prepared = PreparedConvolution{request.node, inputs, is_channels_last(request.node), request.node.integer("group", 1)}](
             RunContext& run) { run_convolution(prepared, run); };
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
