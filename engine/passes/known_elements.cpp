#include "engine/passes/known_elements.hpp"

#include <algorithm>
#include <cstdlib>

#include "engine/passes/evaluate.hpp"

namespace titrate::engine {
namespace {

constexpr std::int64_t most_elements = 1024;
constexpr std::size_t most_bytes = static_cast<std::size_t>(most_elements) * 8;

bool in_default_domain(const Node& node) { return node.domain.empty() || node.domain == "ai.onnx"; }

KnownValue whole(Tensor tensor) {
  KnownValue value;
  value.elements = std::make_shared<const Tensor>(std::move(tensor));
  return value;
}

// Shape and Size need no elements, only sizes.
std::optional<KnownValue> sizes_of(const Node& node, const KnownValue& input) {
  if (!input.info.shape) return std::nullopt;
  const std::vector<Dimension>& dimensions = *input.info.shape;
  const auto rank = static_cast<std::int64_t>(dimensions.size());
  const auto position = [&](std::int64_t at) { return std::clamp<std::int64_t>(at < 0 ? at + rank : at, 0, rank); };
  std::vector<std::int64_t> sizes;
  KnownValue result;
  if (node.type == "Shape") {
    for (std::int64_t axis = position(node.integer("start", 0)); axis < position(node.integer("end", rank)); ++axis) {
      const Dimension& dimension = dimensions[static_cast<std::size_t>(axis)];
      sizes.push_back(dimension.known() ? dimension.size : 0);
      result.known.push_back(dimension.known());
    }
    result.elements = std::make_shared<const Tensor>(Tensor::of({static_cast<std::int64_t>(sizes.size())}, sizes));
  } else {
    for (const Dimension& dimension : dimensions) {
      if (!dimension.known()) return std::nullopt;
      sizes.push_back(dimension.size);
    }
    return whole(Tensor::scalar(element_count(sizes)));
  }
  if (std::all_of(result.known.begin(), result.known.end(), [](bool known) { return known; })) result.known.clear();
  return result;
}

// Each output element is one input element, or a sum, difference or product of two: so an element that comes out the same for two
// different fillings of the unknown ones does not depend on them.
bool keeps_elements_apart(const Node& node) {
  constexpr std::string_view types[] = {"Gather", "Concat", "Unsqueeze", "Squeeze", "Slice",    "Reshape",   "Flatten", "Cast",
                                        "Split",  "Add",    "Sub",       "Mul",     "Identity", "Transpose", "Expand",  "Tile"};
  return in_default_domain(node) && std::find(std::begin(types), std::end(types), node.type) != std::end(types);
}

// A tensor whose unknown elements are set to numbers that do not occur as sizes, each its own; nothing if the tensor is not of small
// integers.
std::optional<Tensor> filled(const KnownValue& value, std::int64_t first, std::int64_t step) {
  const Tensor& tensor = *value.elements;
  if (value.known.empty()) return tensor;
  if (tensor.type() != DataType::int64) return std::nullopt;
  const auto elements = tensor.data<std::int64_t>();
  std::vector<std::int64_t> numbers(elements.begin(), elements.end());
  for (std::size_t index = 0; index < numbers.size(); ++index) {
    if (!value.known[index]) numbers[index] = first + step * static_cast<std::int64_t>(index);
  }
  return Tensor::of(tensor.shape(), numbers);
}

// Products of a filling and a known element stay far from the ends of 64 bits.
bool small(const KnownValue& value) {
  if (value.elements->type() != DataType::int64) return true;
  const auto elements = value.elements->data<std::int64_t>();
  constexpr std::int64_t limit = std::int64_t{1} << 31;
  return std::all_of(elements.begin(), elements.end(), [](std::int64_t number) { return number > -limit && number < limit; });
}

std::optional<std::vector<Tensor>> evaluate_filled(const Node& node, std::int64_t opset, std::span<const KnownValue* const> inputs,
                                                   std::int64_t first, std::int64_t step) {
  std::vector<std::optional<Tensor>> tensors;
  for (std::size_t index = 0; index < inputs.size(); ++index) {
    tensors.push_back(inputs[index] == nullptr ? std::nullopt
                                               : filled(*inputs[index], first + 2048 * step * static_cast<std::int64_t>(index), step));
    if (inputs[index] != nullptr && !tensors.back()) return std::nullopt;
  }
  std::vector<Operand> operands;
  for (const auto& tensor : tensors) operands.push_back(operand_of(tensor ? &*tensor : nullptr));
  try {
    return evaluate(node, opset, operands, most_bytes);
  } catch (const Error&) {
    return std::nullopt;  // a filling may be an index out of range
  }
}

std::optional<std::vector<KnownValue>> outputs_in_part(const Node& node, std::int64_t opset, std::span<const KnownValue* const> inputs) {
  if (!keeps_elements_apart(node)) return std::nullopt;
  // What decides where elements go must be known: all inputs but the data.
  const bool elementwise = node.type == "Add" || node.type == "Sub" || node.type == "Mul" || node.type == "Concat";
  for (std::size_t index = 0; index < inputs.size(); ++index) {
    if (inputs[index] == nullptr) continue;
    if (!inputs[index]->known.empty() && !elementwise && index > 0) return std::nullopt;
    if (!small(*inputs[index])) return std::nullopt;
  }
  const auto one = evaluate_filled(node, opset, inputs, 1000003, 7);
  const auto other = evaluate_filled(node, opset, inputs, 2000003, 11);
  if (!one || !other) return std::nullopt;
  std::vector<KnownValue> outputs;
  for (std::size_t index = 0; index < one->size(); ++index) {
    const Tensor& left = (*one)[index];
    const Tensor& right = (*other)[index];
    outputs.emplace_back();
    if (left.type() != DataType::int64 || left.shape() != right.shape()) continue;
    KnownValue& output = outputs.back();
    output.elements = std::make_shared<const Tensor>(left);
    for (std::size_t element = 0; element < left.data<std::int64_t>().size(); ++element) {
      output.known.push_back(left.data<std::int64_t>()[element] == right.data<std::int64_t>()[element]);
    }
    if (std::all_of(output.known.begin(), output.known.end(), [](bool known) { return known; })) output.known.clear();
  }
  return outputs;
}

}  // namespace

std::optional<std::vector<KnownValue>> known_outputs(const Node& node, std::int64_t opset, std::span<const KnownValue* const> inputs) {
  if (const std::optional<Tensor> constant = constant_of(node)) return std::vector{whole(*constant)};
  if (node.type == "DequantizeLinear") return std::nullopt;  // weights, however small, are no shapes
  const bool measures = node.type == "Shape" || node.type == "Size";
  if (in_default_domain(node) && measures && inputs.size() == 1 && inputs[0] != nullptr) {
    const auto sizes = sizes_of(node, *inputs[0]);
    return sizes ? std::optional(std::vector{*sizes}) : std::nullopt;
  }
  bool all = true;
  std::vector<Operand> operands;
  for (const KnownValue* input : inputs) {
    if (input != nullptr && (!input->elements || input->elements->elements() > most_elements)) return std::nullopt;
    if (input != nullptr && !input->known.empty()) all = false;
    operands.push_back(operand_of(input != nullptr ? input->elements.get() : nullptr));
  }
  if (!all) return outputs_in_part(node, opset, inputs);
  std::optional<std::vector<Tensor>> tensors = evaluate(node, opset, operands, most_bytes);
  if (!tensors) return std::nullopt;
  std::vector<KnownValue> outputs;
  for (Tensor& tensor : *tensors) outputs.push_back(tensor.exists() ? whole(std::move(tensor)) : KnownValue{});
  return outputs;
}

namespace {

std::optional<Shape> sizes_in(const KnownValue* value) {
  if (value == nullptr || !value->elements || value->elements->type() != DataType::int64 || value->elements->rank() != 1) {
    return std::nullopt;
  }
  const auto elements = value->elements->data<std::int64_t>();
  return Shape(elements.begin(), elements.end());
}

Shape reshaped_sizes(const Node& node, const KnownValue& data, const KnownValue& target, Shape sizes) {
  const bool zero_copies = node.integer("allowzero", 0) == 0;
  for (std::size_t axis = 0; axis < sizes.size(); ++axis) {
    if (!target.known[axis]) {
      sizes[axis] = -1;
    } else if (sizes[axis] == 0 && zero_copies) {
      const bool there = data.info.shape && axis < data.info.shape->size();
      sizes[axis] = there ? (*data.info.shape)[axis].size : -1;
    }
  }
  return sizes;
}

// Numpy's broadcasting of known and unknown sizes: an unknown one beside a size above 1 must be that size or 1.
Shape broadcast_sizes(const std::vector<Dimension>& data, const KnownValue& target, Shape sizes) {
  for (std::size_t axis = 0; axis < sizes.size(); ++axis) {
    if (!target.known[axis]) sizes[axis] = -1;
  }
  if (data.size() > sizes.size()) sizes.insert(sizes.begin(), data.size() - sizes.size(), 1);
  for (std::size_t axis = 0; axis < data.size(); ++axis) {
    std::int64_t& size = sizes[sizes.size() - data.size() + axis];
    const std::int64_t own = data[axis].size;
    if (size == 1 || (size < 0 && own > 1)) size = own;
  }
  return sizes;
}

}  // namespace

std::optional<Shape> shape_from_partial(const Node& node, std::span<const KnownValue* const> inputs) {
  if (!in_default_domain(node) || inputs.empty()) return std::nullopt;
  const std::size_t at = node.type == "ConstantOfShape" ? 0 : 1;
  if (at >= inputs.size()) return std::nullopt;
  const std::optional<Shape> sizes = sizes_in(inputs[at]);
  if (!sizes || inputs[at]->known.empty()) return std::nullopt;
  const KnownValue& target = *inputs[at];
  if (node.type == "ConstantOfShape") {
    Shape shape = *sizes;
    for (std::size_t axis = 0; axis < shape.size(); ++axis) {
      if (!target.known[axis]) shape[axis] = -1;
    }
    return shape;
  }
  if (inputs[0] == nullptr) return std::nullopt;
  if (node.type == "Reshape") return reshaped_sizes(node, *inputs[0], target, *sizes);
  if (node.type == "Expand" && inputs[0]->info.shape) return broadcast_sizes(*inputs[0]->info.shape, target, *sizes);
  return std::nullopt;
}

}  // namespace titrate::engine
