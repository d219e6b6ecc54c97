#include "engine/quant/scaling/fold.hpp"

#include <algorithm>
#include <array>
#include <memory>

#include "engine/base/text.hpp"

namespace titrate::engine {
namespace {

std::int64_t rank_of(const Graph& graph, ValueId id) {
  const auto& info = graph[id].info;
  return info && info->shape ? static_cast<std::int64_t>(info->shape->size()) : -1;
}

// f(a x) = a f(x) for a > 0, channel by channel.
bool is_homogeneous(const Node& node, std::int64_t axis) {
  constexpr std::array anywhere = {"Relu", "LeakyRelu", "Identity"};
  constexpr std::array along_images = {"MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool"};
  const auto is = [&](const char* type) { return node.type == type; };
  if (node.outputs.size() != 1 || !node.domain.empty()) return false;
  return std::any_of(anywhere.begin(), anywhere.end(), is) || (axis == 1 && std::any_of(along_images.begin(), along_images.end(), is));
}

// The input of an elementwise operator that is constant, with one number for all or one for each channel.
std::optional<std::size_t> constant_operand(const Graph& graph, const Node& node, std::int64_t axis) {
  if (node.inputs.size() != 2) return std::nullopt;
  const std::int64_t rank = rank_of(graph, node.outputs[0]);
  for (std::size_t index = 0; index < 2; ++index) {
    const Tensor* constant = graph.constant(node.inputs[index]);
    if (constant == nullptr || constant->type() != DataType::float32 || rank < 0) continue;
    const std::int64_t own_axis = axis - (rank - constant->rank());
    const bool vector =
        own_axis >= 0 && own_axis < constant->rank() && constant->shape()[static_cast<std::size_t>(own_axis)] == constant->elements();
    if (constant->elements() == 1 || vector) return index;
  }
  return std::nullopt;
}

bool is_producer(const Graph& graph, const Node& node, std::int64_t axis) {
  const auto float_constant = [&](std::size_t index) {
    const Tensor* constant = graph.constant_input(node, index);
    return constant != nullptr && constant->type() == DataType::float32;
  };
  if (!node.domain.empty()) return false;
  if (node.type == "Conv") return axis == 1 && float_constant(1) && (!node.has_input(2) || float_constant(2));
  const std::int64_t last = rank_of(graph, node.outputs[0]) - 1;
  if (node.type == "MatMul") return axis == last && float_constant(1) && graph.constant_input(node, 1)->rank() == 2;
  if (node.type == "Gemm") return axis == last && float_constant(1) && (!node.has_input(2) || float_constant(2));
  if (node.type == "LayerNormalization") {
    const std::int64_t normalized = node.integer("axis", -1);
    return axis == last && (normalized == -1 || normalized == last) && node.outputs.size() == 1 && float_constant(1) &&
           (!node.has_input(2) || float_constant(2));
  }
  if (node.type == "Mul") return constant_operand(graph, node, axis).has_value();
  return node.type == "Div" && constant_operand(graph, node, axis) == std::optional<std::size_t>(1);
}

// The constant times factors along one of its axes; a single number becomes one for each channel.
Tensor scaled(const Tensor& constant, std::int64_t axis, std::span<const float> factors, const Shape& vector_shape) {
  const auto source = constant.data<float>();
  if (constant.elements() == 1) {
    std::vector<float> elements(factors.begin(), factors.end());
    for (float& element : elements) element *= source[0];
    return Tensor::of<float>(vector_shape, elements);
  }
  std::int64_t inner = 1;
  for (std::int64_t later = axis + 1; later < constant.rank(); ++later) inner *= constant.shape()[static_cast<std::size_t>(later)];
  std::vector<float> elements(source.begin(), source.end());
  for (std::size_t index = 0; index < elements.size(); ++index)
    elements[index] *= factors[index / static_cast<std::size_t>(inner) % factors.size()];
  return Tensor::of<float>(constant.shape(), elements);
}

// The node reads another constant. One that was made here before is taken anew, so that many rounds leave no trace.
void put_constant(Graph& graph, NameSource& names, std::size_t node, std::size_t input, Tensor constant) {
  constexpr std::string_view suffix = "_scaled";
  const ValueId old = graph.nodes[node].inputs[input];
  const Uses uses(graph);
  if (graph[old].name.ends_with(suffix) && uses.readers(old).size() == 1 && !uses.is_output(old)) {
    graph[old].constant = std::make_shared<const Tensor>(std::move(constant));
    return;
  }
  const ValueId id = graph.add_constant(names.value(cat(graph[old].name, suffix)), std::move(constant));
  graph.nodes[node].inputs[input] = id;
}

class Folder {
 public:
  Folder(Graph& graph, NameSource& names, std::int64_t axis, std::span<const float> factors)
      : graph_(graph), names_(names), axis_(axis), factors_(factors) {}

  void scale_producer(std::size_t index) {
    const Node node = graph_.nodes[index];
    if (node.type == "Conv") return scale_layer(index, 0);
    if (node.type == "MatMul") return replace(index, 1, 1, factors_);
    if (node.type == "Gemm") return scale_layer(index, node.integer("transB", 0) != 0 ? 0 : 1);
    if (node.type == "LayerNormalization") return scale_layer(index, 0);
    scale_operand(index, node.type == "Div");
  }

  // Add and Sub: (x + c) f = x f + c f.
  void scale_between(std::size_t index) {
    const std::string& type = graph_.nodes[index].type;
    if (type == "Add" || type == "Sub") scale_operand(index, false);
  }

 private:
  void scale_layer(std::size_t index, std::int64_t weight_axis) {
    replace(index, 1, weight_axis, factors_);
    const Tensor* bias = graph_.constant_input(graph_.nodes[index], 2);
    if (bias != nullptr) replace(index, 2, bias->rank() - 1, factors_);
  }

  void scale_operand(std::size_t index, bool divides) {
    const Node node = graph_.nodes[index];
    const std::int64_t rank = rank_of(graph_, node.outputs[0]);
    const std::size_t operand = graph_.constant(node.inputs[0]) != nullptr ? 0 : 1;
    const Tensor& constant = *graph_.constant(node.inputs[operand]);
    std::vector<float> own(factors_.begin(), factors_.end());
    if (divides) std::transform(own.begin(), own.end(), own.begin(), [](float factor) { return 1 / factor; });
    std::int64_t axis = 0;
    for (std::int64_t at = 0; at < constant.rank(); ++at) {
      if (constant.shape()[static_cast<std::size_t>(at)] == constant.elements()) axis = at;
    }
    // One number for all becomes one for each channel.
    Shape vector_shape(static_cast<std::size_t>(rank - axis_), 1);
    vector_shape[0] = std::ssize(own);
    replace(index, operand, axis, own, vector_shape);
  }

  void replace(std::size_t index, std::size_t input, std::int64_t axis, std::span<const float> factors, const Shape& vector_shape = {}) {
    const ValueId old = graph_.nodes[index].inputs[input];
    const Shape shape = vector_shape.empty() ? Shape{std::ssize(factors)} : vector_shape;
    put_constant(graph_, names_, index, input, scaled(*graph_.constant(old), axis, factors, shape));
  }

  Graph& graph_;
  NameSource& names_;
  std::int64_t axis_;
  std::span<const float> factors_;
};

// [rows, columns] weights with their columns multiplied: channel j of the input is column block j of the rows of its group.
void scale_columns(std::span<float> weights, std::int64_t rows, std::int64_t groups, std::int64_t taps, std::span<const float> factors) {
  const std::int64_t columns = std::ssize(weights) / rows;
  const std::int64_t channels = columns / taps;
  for (std::int64_t row = 0; row < rows; ++row) {
    const std::int64_t first = row / (rows / groups) * channels;
    for (std::int64_t column = 0; column < columns; ++column)
      weights[static_cast<std::size_t>(row * columns + column)] *= factors[static_cast<std::size_t>(first + column / taps)];
  }
}

}  // namespace

std::optional<Fold> find_fold(const Graph& graph, const Uses& uses, ValueId value, std::int64_t axis) {
  Fold fold{.producer = 0, .between = {}, .axis = axis};
  for (;;) {
    if (uses.is_output(value) || uses.producer(value) < 0) return std::nullopt;
    const auto index = static_cast<std::size_t>(uses.producer(value));
    const Node& node = graph.nodes[index];
    if (is_producer(graph, node, axis)) {
      fold.producer = index;
      return fold;
    }
    std::size_t next = 0;
    if (node.domain.empty() && (node.type == "Add" || node.type == "Sub")) {
      const auto operand = constant_operand(graph, node, axis);
      if (!operand) return std::nullopt;
      next = 1 - *operand;
    } else if (!is_homogeneous(node, axis)) {
      return std::nullopt;
    }
    fold.between.push_back(index);
    value = node.inputs[next];
    if (uses.readers(value).size() != 1) return std::nullopt;
  }
}

void fold_into(Graph& graph, NameSource& names, const Fold& fold, std::span<const float> factors) {
  Folder folder(graph, names, fold.axis, factors);
  folder.scale_producer(fold.producer);
  for (const std::size_t index : fold.between) folder.scale_between(index);
}

void scale_input_channels(Graph& graph, NameSource& names, std::size_t index, std::span<const float> factors) {
  const Node& node = graph.nodes[index];
  const Tensor& weights = *graph.constant_input(node, 1);
  std::vector<float> elements(weights.data<float>().begin(), weights.data<float>().end());
  const Shape& shape = weights.shape();
  if (node.type == "Conv") {
    const std::int64_t taps = weights.elements() / (shape[0] * shape[1]);
    scale_columns(elements, shape[0], node.integer("group", 1), taps, factors);
  } else if (node.type == "Gemm" && node.integer("transB", 0) != 0) {
    scale_columns(elements, shape[0], 1, 1, factors);
  } else {
    for (std::size_t place = 0; place < elements.size(); ++place) elements[place] *= factors[place / static_cast<std::size_t>(shape[1])];
  }
  put_constant(graph, names, index, 1, Tensor::of<float>(shape, elements));
}

}  // namespace titrate::engine
