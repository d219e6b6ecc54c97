// Small graphs for tests, written by names.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "engine/graph/graph.hpp"
#include "engine/passes/raise_opset.hpp"
#include "engine/quant/graph_rewriter.hpp"

namespace titrate::engine {

inline Attribute ints(std::string name, std::vector<std::int64_t> numbers) { return attribute(std::move(name), std::move(numbers)); }
inline Attribute one(std::string name, std::int64_t number) { return attribute(std::move(name), number); }
inline Attribute real(std::string name, float number) { return attribute(std::move(name), number); }
inline Attribute text(std::string name, std::string letters) { return attribute(std::move(name), std::move(letters)); }

/// Numbers of both signs, no two alike, that do not depend on the machine.
inline Tensor numbers(Shape shape, std::uint32_t seed = 1, float scale = 1.0F) {
  Tensor tensor = Tensor::uninitialized(DataType::float32, std::move(shape));
  std::uint32_t state = seed * 2654435761U + 12345U;
  for (float& element : tensor.mutable_data<float>()) {
    state = state * 1664525U + 1013904223U;
    element = scale * (static_cast<float>(state >> 8) / 8388608.0F - 1.0F);
  }
  return tensor;
}
inline Tensor positive(Shape shape, std::uint32_t seed = 1) {
  Tensor tensor = numbers(std::move(shape), seed);
  for (float& element : tensor.mutable_data<float>()) element = element * element + 0.25F;
  return tensor;
}
inline Tensor int64s(const std::vector<std::int64_t>& elements) {
  return Tensor::of({static_cast<std::int64_t>(elements.size())}, elements);
}
inline Tensor floats(const std::vector<float>& elements) { return Tensor::of({static_cast<std::int64_t>(elements.size())}, elements); }

class Sketch {
 public:
  explicit Sketch(int opset) {
    model_.ir_version = ir_version_of_opset(opset);
    model_.set_opset("", opset);
    model_.graph.name = "sketch";
  }

  /// A size of -1 is unknown.
  Sketch& input(const std::string& name, Shape shape, DataType type = DataType::float32) {
    model_.graph.inputs.push_back(declared(name, type, shape));
    return *this;
  }
  Sketch& unranked_input(const std::string& name, DataType type = DataType::float32) {
    model_.graph.inputs.push_back(id(name));
    model_.graph[id(name)].info = ValueInfo{.type = type, .shape = std::nullopt};
    return *this;
  }
  Sketch& constant(const std::string& name, Tensor tensor) {
    const ValueId added = model_.graph.add_constant(name, std::move(tensor));
    model_.graph[added].also_input = model_.ir_version < 4;
    ids_[name] = added;
    return *this;
  }
  /// "" leaves an input or output out. The node is named after its first output.
  Sketch& node(const std::string& type, const std::vector<std::string>& inputs, const std::vector<std::string>& outputs,
               std::vector<Attribute> attributes = {}) {
    Node node;
    node.name = "n_" + outputs.at(0);
    node.type = type;
    for (const std::string& name : inputs) node.inputs.push_back(name.empty() ? ValueId::none : id(name));
    for (const std::string& name : outputs) node.outputs.push_back(name.empty() ? ValueId::none : id(name));
    node.attributes = std::move(attributes);
    model_.graph.nodes.push_back(std::move(node));
    return *this;
  }
  Sketch& output(const std::string& name, DataType type = DataType::float32) {
    if (!model_.graph[id(name)].info) model_.graph[id(name)].info = ValueInfo{.type = type, .shape = std::nullopt};
    model_.graph.outputs.push_back(id(name));
    return *this;
  }
  /// A value of the enclosing graph, when this sketch is of a body.
  Sketch& outer(const std::string& name) {
    model_.graph.outer.push_back(id(name));
    return *this;
  }

  [[nodiscard]] Model model() const {
    verify(model_.graph);
    return model_;
  }
  [[nodiscard]] std::shared_ptr<const Graph> body() const { return std::make_shared<const Graph>(model_.graph); }

 private:
  ValueId id(const std::string& name) {
    const auto found = ids_.find(name);
    return found != ids_.end() ? found->second : ids_[name] = model_.graph.add_value(name);
  }
  ValueId declared(const std::string& name, DataType type, const Shape& shape) {
    ValueInfo info{.type = type, .shape = std::vector<Dimension>{}};
    for (const std::int64_t size : shape)
      info.shape->push_back({.size = size, .symbol = size < 0 ? name + std::to_string(info.shape->size()) : ""});
    model_.graph[id(name)].info = std::move(info);
    return id(name);
  }

  Model model_;
  std::map<std::string, ValueId> ids_;
};

}  // namespace titrate::engine
