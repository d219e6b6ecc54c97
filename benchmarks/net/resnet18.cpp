#include "benchmarks/net/resnet18.hpp"

#include <cmath>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace titrate::benchmarks {
namespace {

using engine::DataType;
using engine::Dimension;
using engine::Node;
using engine::Shape;
using engine::Tensor;
using engine::ValueId;
using engine::ValueInfo;

class Builder {
 public:
  engine::Graph graph;

  ValueId weights(Shape shape, std::int64_t fan_in) {
    Tensor tensor = Tensor::uninitialized(DataType::float32, std::move(shape));
    std::normal_distribution<float> normal(0.0F, std::sqrt(2.0F / static_cast<float>(fan_in)));
    for (float& element : tensor.mutable_data<float>()) element = normal(random_);
    return graph.add_constant(name("weights"), std::move(tensor));
  }

  ValueId add(const std::string& type, std::vector<ValueId> inputs,
              std::vector<std::pair<std::string, std::vector<std::int64_t>>> lists = {}) {
    Node node;
    node.type = type;
    node.name = name(type);
    node.inputs = std::move(inputs);
    for (auto& [attribute, numbers] : lists) node.set(attribute, std::move(numbers));
    const ValueId output = graph.add_value(name("value"));
    node.outputs = {output};
    graph.nodes.push_back(std::move(node));
    return output;
  }

  ValueId convolution(ValueId x, std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t stride) {
    const std::int64_t pad = kernel / 2;
    return add("Conv", {x, weights({out, in, kernel, kernel}, in * kernel * kernel), weights({out}, 100)},
               {{"kernel_shape", {kernel, kernel}}, {"strides", {stride, stride}}, {"pads", {pad, pad, pad, pad}}});
  }

  ValueId block(ValueId x, std::int64_t in, std::int64_t out, std::int64_t stride) {
    const ValueId first = add("Relu", {convolution(x, in, out, 3, stride)});
    const ValueId second = convolution(first, out, out, 3, 1);
    const ValueId shortcut = stride == 1 && in == out ? x : convolution(x, in, out, 1, stride);
    return add("Relu", {add("Add", {second, shortcut})});
  }

 private:
  std::string name(const std::string& stem) { return stem + "_" + std::to_string(next_++); }
  int next_ = 0;
  std::mt19937 random_{3};
};

ValueInfo floats(const Shape& shape) {
  ValueInfo info{DataType::float32, std::vector<Dimension>{}};
  for (const std::int64_t size : shape) info.shape->push_back({size, ""});
  return info;
}

}  // namespace

engine::Model resnet18() {
  Builder builder;
  const ValueId image = builder.graph.add_value("image", floats({1, 3, 224, 224}));
  builder.graph.inputs = {image};
  ValueId x = builder.add("Relu", {builder.convolution(image, 3, 64, 7, 2)});
  x = builder.add("MaxPool", {x}, {{"kernel_shape", {3, 3}}, {"strides", {2, 2}}, {"pads", {1, 1, 1, 1}}});
  std::int64_t channels = 64;
  for (const auto& [out, stride] : {std::pair{64, 1}, {64, 1}, {128, 2}, {128, 1}, {256, 2}, {256, 1}, {512, 2}, {512, 1}}) {
    x = builder.block(x, channels, out, stride);
    channels = out;
  }
  x = builder.add("Flatten", {builder.add("GlobalAveragePool", {x})});
  x = builder.add("Gemm", {x, builder.weights({512, 1000}, 512), builder.weights({1000}, 100)});
  builder.graph[x].name = "scores";
  builder.graph[x].info = floats({1, 1000});
  builder.graph.outputs = {x};
  engine::Model model;
  model.graph = std::move(builder.graph);
  model.ir_version = 8;
  model.opsets = {{"", 13}};
  return model;
}

}  // namespace titrate::benchmarks
