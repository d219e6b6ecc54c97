#include "engine/ops/q_linear_depthwise.hpp"

#include <algorithm>
#include <memory>

#include "engine/kernels/convolution/depthwise_int8.hpp"
#include "engine/ops/convolution_shape.hpp"
#include "engine/ops/integer_product.hpp"
#include "engine/ops/linear_code.hpp"

namespace titrate::engine::ops {
namespace {

// Inputs: x, its scale and zero point, w, its scales and zero points, y's scale and zero point, bias.
constexpr std::size_t scale_x = 1;
constexpr std::size_t weights = 3;
constexpr std::size_t scale_w = 4;
constexpr std::size_t zero_w = 5;
constexpr std::size_t scale_y = 6;
constexpr std::size_t bias_input = 8;

bool serves(const PrepareRequest& request) {
  if (request.node.integer("channels_last", 0) == 0 || !code_types.has(request.type(0)) || request.type(0) == DataType::undefined)
    return false;
  for (std::size_t index = scale_x; index <= bias_input; ++index) {
    if (request.has(index) && request.constant(index) == nullptr) return false;
  }
  const Shape& shape = request.constant(weights)->shape();
  return shape.size() >= 3 && shape.size() <= 5 && shape[1] == 1 && shape[0] == request.node.integer("group", 1) &&
         request.constant(weights)->elements() > 0;
}

template <class Number, class Get>
std::vector<Number> one_a_channel(std::size_t channels, std::size_t given, const Get& get) {
  std::vector<Number> numbers(channels);
  for (std::size_t channel = 0; channel < channels; ++channel) numbers[channel] = get(given == 1 ? 0 : channel);
  return numbers;
}

kernels::PackedDepthwise pack(const PrepareRequest& request, const LinearCode& x, const LinearCode& y) {
  const Tensor& w = *request.constant(weights);
  kernels::ConvolutionGeometry geometry;
  geometry.groups = w.shape()[0];
  geometry.kernel = three(Shape(w.shape().begin() + 2, w.shape().end()));
  const auto channels = static_cast<std::size_t>(geometry.groups);
  const auto taps = static_cast<std::size_t>(geometry.taps());
  const Tensor* zero = request.constant(zero_w);
  const auto zeros = one_a_channel<std::int32_t>(channels, zero == nullptr ? 1 : static_cast<std::size_t>(zero->elements()),
                                                 [&](std::size_t index) { return zero == nullptr ? 0 : code_at(*zero, index); });
  std::vector<std::int16_t> differences(channels * taps);
  for (std::size_t index = 0; index < differences.size(); ++index) {
    differences[index] = static_cast<std::int16_t>(code_at(w, index) - zeros[index / taps]);
  }
  const std::vector<float> scales = scales_of(*request.constant(scale_w));
  const auto multipliers =
      one_a_channel<float>(channels, scales.size(), [&](std::size_t index) { return x.scale * scales[index] / y.scale; });
  const Tensor* bias = request.constant(bias_input);
  return {geometry, differences, bias == nullptr ? std::span<const std::int32_t>{} : bias->data<std::int32_t>(), x.zero_point, multipliers};
}

Shape channels_first(Shape shape) {
  std::rotate(shape.begin() + 1, shape.end() - 1, shape.end());
  return shape;
}

}  // namespace

std::optional<Step> prepare_q_linear_depthwise(const PrepareRequest& request) {
  if (!serves(request)) return std::nullopt;
  const LinearCode x = *LinearCodeInput(request, scale_x).constant();
  const LinearCode y = *LinearCodeInput(request, scale_y).constant();
  const auto packed = std::make_shared<const kernels::PackedDepthwise>(pack(request, x, y));
  const kernels::DepthwiseInt8Kernels& kernels = kernels::depthwise_int8_kernels(selected_isa());
  const Shape& shape = request.constant(weights)->shape();
  const Window window = read_window(request.node, shape.size() - 2, Shape(shape.begin() + 2, shape.end()));
  return [=, &kernels, node = request.node](RunContext& run) {
    if (run.out().elements() == 0) return;
    const kernels::ConvolutionGeometry geometry =
        convolution_geometry(window, channels_first(run.in(0).shape()), shape, channels_first(run.out().shape()), shape[0], node);
    const std::size_t floats = kernels::depthwise_int8_scratch(geometry) / sizeof(float);
    const std::span<std::byte> scratch = std::as_writable_bytes(run.scratch.floats(floats));
    with_type(CodeTypes{}, run.in(0).type(), [&]<class X>(TypeTag<X>) {
      with_type(CodeTypes{}, run.out().type(), [&]<class Y>(TypeTag<Y>) {
        kernels::convolve_depthwise(kernels, geometry, *packed, run.in(0).data<X>().data(), y.zero_point,
                                    run.out().mutable_data<Y>().data(), scratch);
      });
    });
  };
}

}  // namespace titrate::engine::ops
