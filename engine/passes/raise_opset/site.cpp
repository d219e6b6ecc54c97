#include "engine/passes/raise_opset/site.hpp"

#include "engine/base/error.hpp"
#include "engine/base/float16.hpp"
#include "engine/base/text.hpp"

namespace titrate::engine::raise {

const KnownValue* Site::known(std::size_t input) const {
  if (!node_.has_input(input)) return nullptr;
  const auto index = static_cast<std::size_t>(node_.inputs[input]);
  return index < surroundings_.known.size() ? &surroundings_.known[index] : nullptr;
}

DataType Site::type(std::size_t input) const {
  const KnownValue* value = known(input);
  return value == nullptr ? DataType::undefined : value->info.type;
}

std::optional<Shape> Site::shape(std::size_t input) const {
  const KnownValue* value = known(input);
  if (value == nullptr || !value->info.shape) return std::nullopt;
  Shape sizes;
  for (const Dimension& dimension : *value->info.shape) sizes.push_back(dimension.size);
  return sizes;
}

std::optional<std::size_t> Site::rank(std::size_t input) const {
  const auto sizes = shape(input);
  return sizes ? std::optional(sizes->size()) : std::nullopt;
}

const Tensor* Site::value(std::size_t input) const {
  if (const KnownValue* value = known(input)) return value->value();
  return surroundings_.graph.constant_input(node_, input);  // made by an earlier rewriting
}

bool Site::reads_output(std::size_t output) const {
  return node_.has_output(output) && surroundings_.read[static_cast<std::size_t>(node_.outputs[output])];
}

DataType Site::need_type(std::size_t input) const {
  const DataType found = type(input);
  if (found == DataType::undefined) refuse(cat("the element type of its input ", input, " is unknown"));
  return found;
}

std::size_t Site::need_rank(std::size_t input) const {
  const auto found = rank(input);
  if (!found) refuse(cat("the rank of its input ", input, " is unknown"));
  return *found;
}

ValueId Site::constant(std::string_view role, Tensor tensor) {
  return surroundings_.graph.add_constant(surroundings_.names.value(cat(node_.name, "_", role)), std::move(tensor));
}

ValueId Site::constant(std::string_view role, const std::vector<std::int64_t>& numbers) {
  return constant(role, Tensor::of({static_cast<std::int64_t>(numbers.size())}, numbers));
}

ValueId Site::number(std::string_view role, DataType type, double number, Shape shape) {
  Tensor tensor = Tensor::uninitialized(type, std::move(shape));
  if (type == DataType::float32) {
    for (float& element : tensor.mutable_data<float>()) element = static_cast<float>(number);
  } else if (type == DataType::float64) {
    for (double& element : tensor.mutable_data<double>()) element = number;
  } else if (type == DataType::float16) {
    for (std::uint16_t& bits : tensor.mutable_bits<std::uint16_t>()) bits = half_from_float(static_cast<float>(number));
  } else if (type == DataType::bfloat16) {
    for (std::uint16_t& bits : tensor.mutable_bits<std::uint16_t>()) bits = bfloat16_from_float(static_cast<float>(number));
  } else {
    refuse(cat("its element type ", name_of(type), " is none that this operator took"));
  }
  return constant(role, std::move(tensor));
}

ValueId Site::value_named(std::string_view role) {
  return surroundings_.graph.add_value(surroundings_.names.value(cat(node_.name, "_", role)));
}

Node Site::make(std::string_view type, std::string_view role, std::vector<ValueId> inputs, std::vector<Attribute> attributes) {
  Node made;
  made.name = surroundings_.names.node(cat(node_.name, "_", role));
  made.type = type;
  made.inputs = std::move(inputs);
  made.attributes = std::move(attributes);
  return made;
}

ValueId Site::before(std::string_view type, std::string_view role, std::vector<ValueId> inputs, std::vector<Attribute> attributes) {
  nodes_before.push_back(make(type, role, std::move(inputs), std::move(attributes)));
  const ValueId output = value_named(role);
  nodes_before.back().outputs = {output};
  return output;
}

void Site::behind(std::string_view type, std::string_view role, std::size_t output, std::vector<ValueId> more_inputs,
                  std::vector<Attribute> attributes) {
  const ValueId middle = value_named(role);
  more_inputs.insert(more_inputs.begin(), middle);
  nodes_behind.insert(nodes_behind.begin(), make(type, role, std::move(more_inputs), std::move(attributes)));
  nodes_behind.front().outputs = {node_.outputs[output]};
  node_.outputs[output] = middle;
}

void Site::set_input(std::size_t index, ValueId id) {
  if (node_.inputs.size() <= index) node_.inputs.resize(index + 1, ValueId::none);
  node_.inputs[index] = id;
}

void Site::trim_inputs() {
  while (!node_.inputs.empty() && node_.inputs.back() == ValueId::none) node_.inputs.pop_back();
}

void Site::refuse(const std::string& why) const {
  throw_invalid(cat("it cannot be raised to opset ", version_, ": ", why), node_.described());
}

}  // namespace titrate::engine::raise
