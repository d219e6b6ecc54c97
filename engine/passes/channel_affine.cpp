#include "engine/passes/channel_affine.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace titrate::engine {
namespace {

bool wide_float(const Tensor& tensor) { return tensor.type() == DataType::float32 || tensor.type() == DataType::float64; }

std::optional<ChannelAffine> if_finite(ChannelAffine affine) {
  const auto finite = [](double number) { return std::isfinite(number); };
  const bool sound =
      std::all_of(affine.scale.begin(), affine.scale.end(), finite) && std::all_of(affine.shift.begin(), affine.shift.end(), finite);
  return sound ? std::optional(std::move(affine)) : std::nullopt;
}

// onnx/onnx: docs/Operators.md, BatchNormalization: (x - mean) / sqrt(variance + epsilon) * scale + bias.
std::optional<ChannelAffine> of_batch_norm(const Graph& graph, const Node& node, const ChannelLayout& layout) {
  if (node.integer("training_mode", 0) != 0 || node.integer("spatial", 1) == 0) return std::nullopt;
  if (layout.rank < 2 || layout.from_right != layout.rank - 2) return std::nullopt;  // its channels are the second axis
  std::array<std::vector<double>, 4> numbers;
  for (std::size_t index = 0; index < numbers.size(); ++index) {
    const Tensor* tensor = graph.constant_input(node, index + 1);
    if (tensor == nullptr || !wide_float(*tensor) || tensor->elements() != layout.channels) return std::nullopt;
    numbers[index] = to_doubles(*tensor);
  }
  const auto& [gamma, beta, mean, variance] = numbers;
  const auto epsilon = static_cast<double>(node.number("epsilon", 1e-5F));
  ChannelAffine affine;
  for (std::size_t channel = 0; channel < gamma.size(); ++channel) {
    affine.scale.push_back(gamma[channel] / std::sqrt(variance[channel] + epsilon));
    affine.shift.push_back(beta[channel] - mean[channel] * affine.scale.back());
  }
  return if_finite(std::move(affine));
}

std::optional<ChannelAffine> of_arithmetic(const Graph& graph, const Node& node, ValueId data, const ChannelLayout& layout) {
  if (node.inputs.size() != 2 || node.inputs[0] == node.inputs[1]) return std::nullopt;
  const bool data_first = node.inputs[0] == data;
  const Tensor* constant = graph.constant_input(node, data_first ? 1 : 0);
  if (constant == nullptr || (!data_first && node.type == "Div")) return std::nullopt;
  const auto numbers = channel_numbers(*constant, layout);
  if (!numbers) return std::nullopt;
  const std::size_t channels = numbers->size();
  ChannelAffine affine{.scale = std::vector<double>(channels, 1), .shift = std::vector<double>(channels, 0)};
  for (std::size_t channel = 0; channel < channels; ++channel) {
    const double number = (*numbers)[channel];
    if (node.type == "Mul") affine.scale[channel] = number;
    if (node.type == "Div") affine.scale[channel] = 1 / number;
    if (node.type == "Add") affine.shift[channel] = number;
    if (node.type == "Sub") affine.shift[channel] = data_first ? -number : number;
    if (node.type == "Sub" && !data_first) affine.scale[channel] = -1;
  }
  return if_finite(std::move(affine));
}

}  // namespace

std::optional<std::vector<double>> channel_numbers(const Tensor& tensor, const ChannelLayout& layout) {
  if (!wide_float(tensor)) return std::nullopt;
  const auto rank = static_cast<std::size_t>(tensor.rank());
  if (layout.rank > 0 ? rank > layout.rank : rank > 1) return std::nullopt;
  for (std::size_t axis = 0; axis < rank; ++axis) {
    const std::int64_t size = tensor.shape()[axis];
    const bool is_channel = rank - 1 - axis == layout.from_right;
    if (size != 1 && !(is_channel && size == layout.channels)) return std::nullopt;
  }
  std::vector<double> numbers = to_doubles(tensor);
  if (numbers.size() == 1) numbers.assign(static_cast<std::size_t>(layout.channels), numbers[0]);
  return numbers;
}

std::optional<ChannelAffine> channel_affine(const Graph& graph, const Node& node, ValueId data, const ChannelLayout& layout) {
  if (!(node.domain.empty() || node.domain == "ai.onnx") || !node.has_input(0)) return std::nullopt;
  if (node.type == "BatchNormalization") return node.inputs[0] == data ? of_batch_norm(graph, node, layout) : std::nullopt;
  constexpr std::array<std::string_view, 4> arithmetic = {"Mul", "Div", "Add", "Sub"};
  if (std::find(arithmetic.begin(), arithmetic.end(), node.type) == arithmetic.end()) return std::nullopt;
  return of_arithmetic(graph, node, data, layout);
}

}  // namespace titrate::engine
