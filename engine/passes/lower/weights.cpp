#include "engine/passes/lower/weights.hpp"

#include <cmath>
#include <limits>
#include <vector>

#include "engine/base/text.hpp"

namespace titrate::engine::lowering {

namespace {

// ONNX Runtime does not look at the scale of a bias and takes input scale x weight scale; a stored scale that differs by more than this
// would give other numbers.
constexpr float tolerated_difference = 0.01F;

Checked<IntegerBias> from_codes(const Quantizer& bias, const Tensor& codes, const Quantizer& input, const Quantizer& weights,
                                std::int64_t channels) {
  if (bias.type != DataType::int32) return Failed{cat("its bias is ", name_of(bias.type), ", not int32")};
  std::vector<std::int32_t> result(static_cast<std::size_t>(channels));
  for (std::size_t channel = 0; channel < result.size(); ++channel) {
    const float product = input.scale_of(0) * weights.scale_of(channel);
    const std::size_t index = codes.elements() == 1 ? 0 : channel;
    const std::int32_t code = codes.data<std::int32_t>()[index] - bias.zero_point_of(index);
    if (code != 0 && !(std::fabs(bias.scale_of(index) - product) <= tolerated_difference * product)) {
      return Failed{
          cat("its bias has the scale ", number_text(bias.scale_of(index)), ", not input scale x weight scale ", number_text(product))};
    }
    result[channel] = code;
  }
  return IntegerBias{.codes = Tensor::of<std::int32_t>({channels}, result)};
}

Checked<IntegerBias> from_floats(const Tensor& bias, const Quantizer& input, const Quantizer& weights, std::int64_t channels) {
  if (bias.type() != DataType::float32) return Failed{cat("its bias is ", name_of(bias.type()))};
  std::vector<std::int32_t> result(static_cast<std::size_t>(channels));
  constexpr double most = std::numeric_limits<std::int32_t>::max();
  for (std::size_t channel = 0; channel < result.size(); ++channel) {
    const float number = bias.data<float>()[bias.elements() == 1 ? 0 : channel];
    const double steps = std::nearbyint(static_cast<double>(number / (input.scale_of(0) * weights.scale_of(channel))));
    if (!(std::fabs(steps) <= most)) return Failed{cat("its bias ", number_text(number), " does not fit into int32")};
    result[channel] = static_cast<std::int32_t>(steps);
  }
  return IntegerBias{.codes = Tensor::of<std::int32_t>({channels}, result)};
}

// [N], [1, N] or a single one.
bool is_one_a_channel(const Tensor& bias, std::int64_t channels) {
  if (bias.elements() == 1) return true;
  return bias.elements() == channels && bias.rank() >= 1 && bias.shape().back() == channels;
}

}  // namespace

Checked<Quantizer> constant_weights(const Lowering& lowering, const Node& node, std::size_t input, std::int64_t axis) {
  const Checked<Quantizer> weights = lowering.dequantized(node, input);
  if (!weights) {
    const bool floats = lowering.graph().constant_input(node, input) != nullptr;
    return Failed{floats ? "its weights are float" : weights.why()};
  }
  const Tensor* codes = lowering.graph().constant(weights->codes);
  if (codes == nullptr) return Failed{"its weights are computed"};
  if (bits_of(weights->type) < 8) return Failed{cat(name_of(weights->type), " weights with quantized activations")};
  if (!is_8_bit(weights->type)) return Failed{cat(name_of(weights->type), " weights")};
  if (weights->per_tensor()) return weights;
  const std::int64_t along = *weights->axis < 0 ? *weights->axis + codes->rank() : *weights->axis;
  if (along != axis) return Failed{cat("its weight scales run along axis ", along, ", not along the output channels, axis ", axis)};
  if (axis >= codes->rank() || weights->scales->elements() != codes->shape()[static_cast<std::size_t>(axis)])
    return Failed{"its weights have another number of scales than output channels"};
  for (std::int64_t channel = 1; channel < weights->scales->elements(); ++channel) {
    if (weights->zero_point_of(static_cast<std::size_t>(channel)) != weights->zero_point_of(0))
      return Failed{"its weight zero points differ by channel"};
  }
  return weights;
}

Checked<IntegerBias> integer_bias(const Lowering& lowering, ValueId bias, const Quantizer& input, const Quantizer& weights,
                                  std::int64_t channels) {
  if (bias == ValueId::none) return IntegerBias{};
  const Graph& graph = lowering.graph();
  const Tensor* floats = graph.constant(bias);
  const int producer = lowering.uses().producer(bias);
  if (floats == nullptr && (producer < 0 || !is_dequantize(graph.nodes[static_cast<std::size_t>(producer)])))
    return Failed{"its bias is computed"};
  const Tensor* codes = floats;
  std::optional<Quantizer> quantizer;
  if (floats == nullptr) {
    const Node& node = graph.nodes[static_cast<std::size_t>(producer)];
    const Checked<Quantizer> read = read_quantizer(graph, node, lowering.type(node.inputs[0]));
    if (!read) return Failed{read.why()};
    quantizer = *read;
    codes = graph.constant(read->codes);
    if (codes == nullptr) return Failed{"its bias is computed"};
  }
  if (!is_one_a_channel(*codes, channels))
    return Failed{cat("its bias has the shape ", to_text(codes->shape()), ": not one number a channel")};
  Checked<IntegerBias> result =
      quantizer ? from_codes(*quantizer, *codes, input, weights, channels) : from_floats(*codes, input, weights, channels);
  if (!result) return result;
  return IntegerBias{.source = bias, .codes = result->codes};
}

}  // namespace titrate::engine::lowering
