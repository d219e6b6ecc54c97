// Runs one operator as the executor would: infer with partial and full shapes, prepare, allocate, run.
#pragma once

#include <initializer_list>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "engine/ops/operator.hpp"

namespace titrate::engine {

struct SingleNode {
  Node node;
  std::int64_t opset;
  std::vector<std::optional<Tensor>> inputs;
  unsigned constants = ~0U;  ///< bit i: input i is known when the node is prepared

  SingleNode(std::string type, std::int64_t version, std::vector<std::optional<Tensor>> operands, std::size_t outputs = 1)
      : opset(version), inputs(std::move(operands)) {
    node.name = "tested";
    node.type = std::move(type);
    for (std::size_t i = 0; i < inputs.size(); ++i) node.inputs.push_back(inputs[i] ? static_cast<ValueId>(i) : ValueId::none);
    for (std::size_t i = 0; i < outputs; ++i) node.outputs.push_back(static_cast<ValueId>(inputs.size() + i));
  }
  SingleNode& set(const std::string& name, Attribute::Content content) {
    node.set(name, std::move(content));
    return *this;
  }

  [[nodiscard]] const OperatorDefinition& row() const {
    const OperatorDefinition* found = find_operator(node.type, node.domain, opset);
    if (found == nullptr) throw_invalid("no row for " + node.type);
    return *found;
  }
  enum class Known { rank, shapes, everything };
  [[nodiscard]] std::vector<Operand> operands(Known known) const {
    std::vector<Operand> all;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      Operand operand;
      if (inputs[i]) {
        operand.present = true;
        operand.type = inputs[i]->type();
        operand.shape = inputs[i]->shape();
        if (known == Known::rank) std::fill(operand.shape->begin(), operand.shape->end(), -1);
        if (known == Known::everything) operand.value = &*inputs[i];
        if (known == Known::shapes && ((constants >> i) & 1U) != 0) operand.value = &*inputs[i];
      }
      all.push_back(operand);
    }
    return all;
  }
  [[nodiscard]] std::vector<OutputType> infer(Known known) const {
    const auto all = operands(known);
    return infer_outputs(row(), {node, opset, all});
  }
  [[nodiscard]] std::vector<Tensor> run() const {
    (void)infer(Known::rank);  // must not throw, whatever it can say
    const auto at_prepare = operands(Known::shapes);
    const Step step = row().prepare({node, opset, at_prepare});
    std::vector<Tensor> outputs;
    for (const OutputType& type : infer(Known::everything)) {
      outputs.push_back(type.complete() ? Tensor::uninitialized(type.type, *type.shape) : Tensor{});
    }
    std::vector<const Tensor*> pointers;
    for (const auto& input : inputs) pointers.push_back(input ? &*input : nullptr);
    Scratch scratch;
    RunContext context{pointers, outputs, scratch};
    step(context);
    return outputs;
  }
};

inline Tensor random_floats(Shape shape, std::mt19937& random, float low = -1.0F, float high = 1.0F) {
  Tensor tensor = Tensor::uninitialized(DataType::float32, std::move(shape));
  std::uniform_real_distribution<float> numbers(low, high);
  for (float& element : tensor.mutable_data<float>()) element = numbers(random);
  return tensor;
}

inline Tensor to_double(const Tensor& tensor) { return Tensor::of(tensor.shape(), to_doubles(tensor)); }

}  // namespace titrate::engine
