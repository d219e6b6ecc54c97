// One node, inferred, prepared and run by itself.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "engine/ops/operator.hpp"
#include "engine/ops/words.hpp"

namespace titrate::engine {

/// A node with its inputs: inputs that do not exist (Tensor{}) are left out.
struct OneNode {
  std::string type;
  std::int64_t opset = 20;
  std::vector<Tensor> inputs;
  std::vector<Attribute> attributes;
  std::size_t outputs = 1;

  [[nodiscard]] Node node() const {
    Node node;
    node.name = "the_node";
    node.type = type;
    node.attributes = attributes;
    for (std::size_t index = 0; index < inputs.size(); ++index) {
      node.inputs.push_back(inputs[index].exists() ? ValueId{static_cast<std::uint32_t>(index)} : ValueId::none);
    }
    node.outputs.assign(outputs, ValueId{100});
    return node;
  }

  [[nodiscard]] const OperatorDefinition& row() const {
    const OperatorDefinition* found = find_operator(type, "", opset);
    if (found == nullptr) throw_invalid(cat("no row serves ", type, " in opset ", opset));
    return *found;
  }

  [[nodiscard]] std::vector<OutputType> infer(std::vector<Operand> operands) const {
    const Node one = node();
    return infer_outputs(row(), {.node = one, .opset = opset, .inputs = operands});
  }

  [[nodiscard]] std::vector<Tensor> run_all() const {
    const Node one = node();
    std::vector<Operand> operands;
    std::vector<const Tensor*> given;
    for (const Tensor& input : inputs) {
      operands.push_back(input.exists() ? Operand{.present = true, .type = input.type(), .shape = input.shape(), .value = &input}
                                        : Operand{});
      given.push_back(input.exists() ? &input : nullptr);
    }
    std::vector<Tensor> results;
    for (const OutputType& output : infer(operands)) {
      results.push_back(output.complete() ? ops::room_for(output.type, *output.shape) : Tensor{});
    }
    const Step step = row().prepare({.node = one, .opset = opset, .inputs = operands});
    Scratch scratch;
    RunContext context{.inputs = given, .outputs = results, .scratch = scratch};
    step(context);
    return results;
  }

  [[nodiscard]] Tensor run() const { return run_all()[0]; }
};

inline Tensor floats(Shape shape, const std::vector<float>& elements) { return Tensor::of(std::move(shape), elements); }
inline Tensor integers(const std::vector<std::int64_t>& elements) {
  return Tensor::of({static_cast<std::int64_t>(elements.size())}, elements);
}

template <class T>
std::vector<T> elements_of(const Tensor& tensor) {
  const auto elements = tensor.data<T>();
  return {elements.begin(), elements.end()};
}

}  // namespace titrate::engine
