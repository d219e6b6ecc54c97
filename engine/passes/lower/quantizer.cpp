#include "engine/passes/lower/quantizer.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "engine/base/text.hpp"

namespace titrate::engine::lowering {

namespace {

// ONNX gives QuantizeLinear's `axis` this default.
constexpr std::int64_t default_axis = 1;

std::int32_t code_of(const Tensor& tensor, std::size_t index) {
  switch (tensor.type()) {
    case DataType::uint8:
      return tensor.data<std::uint8_t>()[index];
    case DataType::int8:
      return tensor.data<std::int8_t>()[index];
    case DataType::uint16:
      return tensor.data<std::uint16_t>()[index];
    case DataType::int16:
      return tensor.data<std::int16_t>()[index];
    case DataType::int32:
      return tensor.data<std::int32_t>()[index];
    default:
      return static_cast<std::int32_t>(to_doubles(tensor)[index]);  // 2 or 4 bits
  }
}

bool same_bytes(const Tensor& a, const Tensor& b) { return a.type() == b.type() && std::ranges::equal(a.bytes(), b.bytes()); }

DataType type_of_codes(const Node& node, const Tensor* zero_points, DataType codes_type) {
  if (zero_points != nullptr) return zero_points->type();
  if (is_dequantize(node)) return codes_type;
  const auto wanted = static_cast<DataType>(node.integer("output_dtype", 0));
  return wanted == DataType::undefined ? DataType::uint8 : wanted;
}

}  // namespace

float Quantizer::scale_of(std::size_t channel) const { return scales->data<float>()[scales->elements() == 1 ? 0 : channel]; }

std::int32_t Quantizer::zero_point_of(std::size_t channel) const {
  return zero_points == nullptr ? 0 : code_of(*zero_points, zero_points->elements() == 1 ? 0 : channel);
}

std::int32_t Quantizer::lowest_code() const { return is_signed_integer(type) ? -(1 << (bits_of(type) - 1)) : 0; }
std::int32_t Quantizer::highest_code() const { return (1 << (is_signed_integer(type) ? bits_of(type) - 1 : bits_of(type))) - 1; }

bool Quantizer::same_parameters(const Quantizer& other) const {
  if (type != other.type || axis != other.axis || !same_bytes(*scales, *other.scales)) return false;
  const std::size_t count = static_cast<std::size_t>(scales->elements());
  for (std::size_t channel = 0; channel < count; ++channel) {
    if (zero_point_of(channel) != other.zero_point_of(channel)) return false;
  }
  return true;
}

bool is_quantize(const Node& node) { return node.domain.empty() && node.type == "QuantizeLinear"; }
bool is_dequantize(const Node& node) { return node.domain.empty() && node.type == "DequantizeLinear"; }
bool is_8_bit(DataType type) { return type == DataType::uint8 || type == DataType::int8; }

Checked<Quantizer> read_quantizer(const Graph& graph, const Node& node, DataType codes_type) {
  Quantizer result{.codes = is_quantize(node) ? node.outputs[0] : node.inputs[0], .axis = {}};
  result.scale = node.inputs[1];
  if (node.has_input(2)) result.zero_point = node.inputs[2];
  result.scales = graph.constant(result.scale);
  result.zero_points = graph.constant(result.zero_point);
  const std::string who = cat("'", visible(node.name), "'");
  if (result.scales == nullptr || (node.has_input(2) && result.zero_points == nullptr))
    return Failed{cat("the parameters of ", who, " are computed")};
  result.type = type_of_codes(node, result.zero_points, codes_type);
  if (is_float8(result.type)) return Failed{cat(who, " quantizes to ", name_of(result.type), ", which is no integer")};
  if (!is_integer(result.type) || bits_of(result.type) > 32) return Failed{cat(who, " has codes of type ", name_of(result.type))};
  if (result.scales->type() != DataType::float32) return Failed{cat("the scale of ", who, " is ", name_of(result.scales->type()))};
  if (node.integer("block_size", 0) != 0 || result.scales->rank() > 1) return Failed{cat(who, " has one scale for each block")};
  if (result.scales->elements() == 0) return Failed{cat(who, " has no scale")};
  if (result.zero_points != nullptr && result.zero_points->elements() != result.scales->elements()) {
    return Failed{cat("scale and zero point of ", who, " differ in shape")};
  }
  if (result.scales->elements() != 1) result.axis = node.integer("axis", default_axis);
  return result;
}

std::string number_text(float number) {
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  return {digits.data(), end};
}

}  // namespace titrate::engine::lowering
