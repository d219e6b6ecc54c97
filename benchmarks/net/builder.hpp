// Builds a network layer by layer: random weights of a fixed seed, scaled so that activations neither grow nor fade from layer to layer.
#pragma once

#include <cmath>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "engine/graph/graph.hpp"

namespace titrate::benchmarks {

class Builder {
 public:
  using ValueId = engine::ValueId;
  using Lists = std::vector<std::pair<std::string, std::vector<std::int64_t>>>;

  /// Begins with the input "image" [1,3,224,224].
  Builder() { graph_.inputs = {graph_.add_value("image", floats({1, 3, 224, 224}))}; }
  [[nodiscard]] ValueId image() const { return graph_.inputs[0]; }

  ValueId weights(engine::Shape shape, std::int64_t fan_in) {
    engine::Tensor tensor = engine::Tensor::uninitialized(engine::DataType::float32, std::move(shape));
    std::normal_distribution<float> normal(0.0F, std::sqrt(2.0F / static_cast<float>(fan_in)));
    for (float& element : tensor.mutable_data<float>()) element = normal(random_);
    return graph_.add_constant(name("weights"), std::move(tensor));
  }

  ValueId scalar(float value) { return graph_.add_constant(name("constant"), engine::Tensor::scalar(value)); }

  ValueId add(const std::string& type, std::vector<ValueId> inputs, Lists lists = {},
              std::vector<std::pair<std::string, std::int64_t>> integers = {}) {
    engine::Node node;
    node.type = type;
    node.name = name(type);
    node.inputs = std::move(inputs);
    for (auto& [attribute, numbers] : lists) node.set(attribute, std::move(numbers));
    for (const auto& [attribute, number] : integers) node.set(attribute, number);
    const ValueId output = graph_.add_value(name("value"));
    node.outputs = {output};
    graph_.nodes.push_back(std::move(node));
    return output;
  }

  /// Padded so that a stride of 1 keeps the size, unless `pad` says otherwise. The bias stands for a batch normalization that is folded in.
  ValueId convolution(ValueId x, std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t stride, std::int64_t groups = 1,
                      std::int64_t pad = -1) {
    if (pad < 0) pad = kernel / 2;
    const std::int64_t depth = in / groups;
    return add("Conv", {x, weights({out, depth, kernel, kernel}, depth * kernel * kernel), weights({out}, 100)},
               {{"kernel_shape", {kernel, kernel}}, {"strides", {stride, stride}}, {"pads", {pad, pad, pad, pad}}}, {{"group", groups}});
  }

  ValueId relu(ValueId x) { return add("Relu", {x}); }

  /// The model with the output "scores" [1,1000].
  engine::Model finish(ValueId scores) {
    graph_[scores].name = "scores";
    graph_[scores].info = floats({1, 1000});
    graph_.outputs = {scores};
    engine::Model model;
    model.graph = std::move(graph_);
    model.ir_version = 8;
    model.opsets = {{"", 13}};
    return model;
  }

 private:
  static engine::ValueInfo floats(const engine::Shape& shape) {
    engine::ValueInfo info{engine::DataType::float32, std::vector<engine::Dimension>{}};
    for (const std::int64_t size : shape) info.shape->push_back({size, ""});
    return info;
  }

  std::string name(const std::string& stem) { return stem + "_" + std::to_string(next_++); }

  engine::Graph graph_;
  int next_ = 0;
  std::mt19937 random_{3};
};

}  // namespace titrate::benchmarks
