#include "engine/passes/evaluate.hpp"

#include <algorithm>
#include <limits>

namespace titrate::engine {
namespace {

// Outputs whose sizes only the run tells, but that are never larger than a few times their inputs.
bool bounded_by_inputs(const Node& node) {
  constexpr std::string_view types[] = {"NonZero", "Compress", "Unique", "NonMaxSuppression"};
  return std::find(std::begin(types), std::end(types), node.type) != std::end(types);
}

// Sixteen times: an index is eight bytes wide and an element one, and there may be several of them for each element.
std::optional<std::size_t> bytes_needed(const Node& node, std::span<const OutputType> outputs, std::span<const Operand> operands) {
  std::size_t total = 0;
  for (std::size_t index = 0; index < outputs.size(); ++index) {
    if (!node.has_output(index)) continue;
    if (outputs[index].type == DataType::string) return std::nullopt;
    if (outputs[index].complete()) {
      total += bytes_of(outputs[index].type, element_count(*outputs[index].shape));
    } else if (bounded_by_inputs(node)) {
      for (const Operand& operand : operands) total += operand.present ? 16 * operand.value->bytes().size() : 0;
    } else {
      return std::nullopt;
    }
  }
  return total;
}

}  // namespace

std::optional<Tensor> constant_of(const Node& node) {
  if (node.type != "Constant" || !(node.domain.empty() || node.domain == "ai.onnx")) return std::nullopt;
  if (const Tensor* tensor =
          node.find("value") != nullptr && std::holds_alternative<Tensor>(node.find("value")->content) ? node.tensor("value") : nullptr) {
    return *tensor;
  }
  if (node.find("value_float") != nullptr) return Tensor::scalar(node.number("value_float", 0));
  if (node.find("value_int") != nullptr) return Tensor::scalar(node.integer("value_int", 0));
  if (node.find("value_floats") != nullptr) {
    const std::vector<float> numbers = node.numbers("value_floats");
    return Tensor::of({static_cast<std::int64_t>(numbers.size())}, numbers);
  }
  if (node.find("value_ints") != nullptr) {
    const std::vector<std::int64_t> numbers = node.integers("value_ints");
    return Tensor::of({static_cast<std::int64_t>(numbers.size())}, numbers);
  }
  if (node.find("value_string") != nullptr) return Tensor::of_strings({}, {node.text("value_string", "")});
  return std::nullopt;
}

bool has_subgraph(const Node& node) {
  return std::any_of(node.attributes.begin(), node.attributes.end(), [](const Attribute& attribute) {
    return std::holds_alternative<std::shared_ptr<const Graph>>(attribute.content) ||
           std::holds_alternative<std::vector<std::shared_ptr<const Graph>>>(attribute.content);
  });
}

Operand operand_of(const Tensor* tensor) {
  if (tensor == nullptr) return {};
  return {.present = true, .type = tensor->type(), .shape = tensor->shape(), .value = tensor};
}

std::optional<std::vector<Tensor>> evaluate(const Node& node, std::int64_t opset, std::span<const Operand> operands,
                                            std::size_t most_bytes) {
  const OperatorDefinition* row = find_operator(node.type, node.domain, opset);
  if (row == nullptr || !row->deterministic || row->prepare == nullptr || has_subgraph(node)) return std::nullopt;
  const auto known = [](const Operand& operand) {
    return !operand.present || (operand.value != nullptr && operand.type != DataType::string);
  };
  if (!std::all_of(operands.begin(), operands.end(), known)) return std::nullopt;
  const std::vector<OutputType> outputs = infer_outputs(*row, {.node = node, .opset = opset, .inputs = operands});
  const std::optional<std::size_t> bytes = bytes_needed(node, outputs, operands);
  if (!bytes || *bytes > most_bytes) return std::nullopt;

  std::vector<const Tensor*> inputs;
  for (const Operand& operand : operands) inputs.push_back(operand.value);
  std::vector<Tensor> results(outputs.size());
  try {
    if (row->aliases_input) {
      results[0] = inputs[0]->reshaped(*outputs[0].shape);
      return results;
    }
    for (std::size_t index = 0; index < outputs.size(); ++index) {
      if (outputs[index].complete()) results[index] = Tensor::uninitialized(outputs[index].type, *outputs[index].shape);
    }
    const Step step = row->prepare({.node = node, .opset = opset, .inputs = operands});
    Scratch scratch;
    RunContext context{.inputs = inputs, .outputs = results, .scratch = scratch};
    step(context);
  } catch (Error& error) {
    if (error.where().find(node.described()) == std::string::npos) error.in(node.described());
    throw;
  }
  return results;
}

}  // namespace titrate::engine
