// Small QDQ graphs for tests of lowering.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/error.hpp"
#include "engine/passes/lower.hpp"
#include "tests/engine/passes/sketch.hpp"

namespace titrate::engine {

struct Parameters {
  float scale = 0.02F;
  int zero_point = 128;
  DataType type = DataType::uint8;
};

/// Codes of any integer type from plain numbers.
inline Tensor codes(const Shape& shape, const std::vector<int>& numbers, DataType type) {
  Tensor tensor = Tensor::uninitialized(type, shape);
  for (std::size_t index = 0; index < numbers.size(); ++index) {
    switch (type) {
      case DataType::uint8:
        tensor.mutable_data<std::uint8_t>()[index] = static_cast<std::uint8_t>(numbers[index]);
        break;
      case DataType::int8:
        tensor.mutable_data<std::int8_t>()[index] = static_cast<std::int8_t>(numbers[index]);
        break;
      case DataType::uint16:
        tensor.mutable_data<std::uint16_t>()[index] = static_cast<std::uint16_t>(numbers[index]);
        break;
      case DataType::int32:
        tensor.mutable_data<std::int32_t>()[index] = numbers[index];
        break;
      default:
        throw Error(ErrorCode::internal, "codes of another type");
    }
  }
  return tensor;
}

/// Codes of both signs, no pattern, the ends of the range among them.
inline Tensor random_codes(const Shape& shape, DataType type, std::uint32_t seed = 1) {
  std::vector<int> numbers(static_cast<std::size_t>(element_count(shape)));
  std::uint32_t state = seed * 2654435761U + 12345U;
  for (int& number : numbers) {
    state = state * 1664525U + 1013904223U;
    number = static_cast<int>(state >> 24) - (type == DataType::int8 ? 128 : 0);
  }
  return codes(shape, numbers, type);
}

class QdqSketch : public Sketch {
 public:
  explicit QdqSketch(int opset = 13) : Sketch(opset) {}

  /// Quantizes `from` and dequantizes it as `to`.
  QdqSketch& pair(const std::string& from, const std::string& to, const Parameters& parameters = {}) {
    quantize(from, to + "_q", parameters);
    return dequantize(to + "_q", to, parameters);
  }
  QdqSketch& quantize(const std::string& from, const std::string& to, const Parameters& parameters = {}) {
    add_parameters(to, parameters);
    node("QuantizeLinear", {from, to + "_scale", to + "_zero"}, {to});
    return *this;
  }
  QdqSketch& dequantize(const std::string& from, const std::string& to, const Parameters& parameters = {}) {
    add_parameters(to, parameters);
    node("DequantizeLinear", {from, to + "_scale", to + "_zero"}, {to});
    return *this;
  }
  /// Constant codes behind a DequantizeLinear; one scale, or one for each index of `axis`.
  QdqSketch& weights(const std::string& name, const Tensor& stored, const std::vector<float>& scales, std::int64_t axis = 0,
                     int zero_point = 0) {
    const bool single = scales.size() == 1;
    const Shape shape = single ? Shape{} : Shape{static_cast<std::int64_t>(scales.size())};
    constant(name + "_codes", stored);
    constant(name + "_scale", Tensor::of<float>(shape, scales));
    constant(name + "_zero", codes(shape, std::vector<int>(scales.size(), zero_point), stored.type()));
    node("DequantizeLinear", {name + "_codes", name + "_scale", name + "_zero"}, {name},
         single ? std::vector<Attribute>{} : std::vector<Attribute>{one("axis", axis)});
    return *this;
  }
  /// An int32 bias with the scales of the products.
  QdqSketch& bias(const std::string& name, const std::vector<int>& numbers, const std::vector<float>& scales) {
    return weights(name, codes({static_cast<std::int64_t>(numbers.size())}, numbers, DataType::int32), scales);
  }

 private:
  void add_parameters(const std::string& name, const Parameters& parameters) {
    constant(name + "_scale", Tensor::scalar(parameters.scale));
    constant(name + "_zero", codes({}, {parameters.zero_point}, parameters.type));
  }
};

struct Lowered {
  Model model;
  LoweringReport report;

  /// Types of the nodes in order.
  [[nodiscard]] std::vector<std::string> types() const {
    std::vector<std::string> result;
    for (const Node& node : model.graph.nodes) result.push_back(node.type);
    return result;
  }
  /// What the report says of the node that makes a value of the sketch.
  [[nodiscard]] const LoweredNode& of(const std::string& output) const {
    const auto found = std::ranges::find(report.nodes, "n_" + output, &LoweredNode::name);
    if (found == report.nodes.end()) throw Error(ErrorCode::internal, "the report has no node n_" + output);
    return *found;
  }
  [[nodiscard]] std::string reason(const std::string& output) const { return of(output).integer ? "integer" : of(output).reason; }
};

inline Lowered lowered(const Model& model) {
  Lowered result{.model = model, .report = {}};
  result.report = lower(result.model);
  return result;
}

}  // namespace titrate::engine
