#include "engine/passes/saturate_products.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/ops/saturating_product.hpp"
#include "engine/passes/subgraphs.hpp"

namespace titrate::engine {
namespace {

struct Row {
  std::string_view type;
  std::size_t weights;  ///< the input with them
};

constexpr std::array rows = {Row{"QLinearConv", 3}, Row{"QLinearMatMul", 3}, Row{"QGemm", 3}, Row{"MatMulIntegerToFloat", 1},
                             Row{"DynamicQuantizeMatMul", 1}};

const Tensor* weights_of(const Graph& graph, const Node& node) {
  const auto row = std::ranges::find(rows, node.type, &Row::type);
  if (row == rows.end()) return nullptr;
  const Tensor* weights = graph.constant_input(node, row->weights);
  return weights != nullptr && weights->type() == DataType::int8 ? weights : nullptr;
}

// Follows the weights of one output channel in the order of the products.
class PairSums {
 public:
  void add(std::int32_t weight) {
    if (!second_) {
      first_ = weight;
      second_ = true;
      largest_ = std::max(largest_, std::abs(weight));
      return;
    }
    const std::int32_t above = std::max(first_, 0) + std::max(weight, 0);
    const std::int32_t below = std::min(first_, 0) + std::min(weight, 0);
    largest_ = std::max({largest_, above, -below});
    second_ = false;
  }
  void end_channel() { second_ = false; }
  [[nodiscard]] std::int32_t largest() const { return largest_; }

 private:
  std::int32_t first_ = 0;
  bool second_ = false;
  std::int32_t largest_ = 0;
};

// Weights [M, C/g, k ...]: a runtime gathers the channels of a pixel together.
std::int32_t of_convolution(const Tensor& weights) {
  const auto channels = static_cast<std::size_t>(weights.shape()[0]);
  const auto group = static_cast<std::size_t>(weights.shape()[1]);
  const std::size_t taps = channels * group == 0 ? 0 : static_cast<std::size_t>(weights.elements()) / (channels * group);
  const auto codes = weights.data<std::int8_t>();
  PairSums sums;
  for (std::size_t channel = 0; channel < channels; ++channel) {
    for (std::size_t tap = 0; tap < taps; ++tap) {
      for (std::size_t c = 0; c < group; ++c) sums.add(codes[(channel * group + c) * taps + tap]);
    }
    sums.end_channel();
  }
  return sums.largest();
}

std::int32_t of_matrix(const Tensor& weights, bool transposed) {
  const auto rows_there = static_cast<std::size_t>(weights.shape()[0]);
  const auto columns_there = static_cast<std::size_t>(weights.shape()[1]);
  const std::size_t channels = transposed ? rows_there : columns_there;
  const std::size_t depth = transposed ? columns_there : rows_there;
  const auto codes = weights.data<std::int8_t>();
  PairSums sums;
  for (std::size_t channel = 0; channel < channels; ++channel) {
    for (std::size_t k = 0; k < depth; ++k) sums.add(codes[transposed ? channel * depth + k : k * channels + channel]);
    sums.end_channel();
  }
  return sums.largest();
}

// DynamicQuantizeMatMul as the two nodes that it stands for.
Node dynamic_quantizer(Graph& graph, NameSource& names, Node& product) {
  Node quantizer;
  quantizer.type = "DynamicQuantizeLinear";
  quantizer.name = names.node(product.name + "_DynamicQuantizeLinear");
  quantizer.inputs = {product.inputs[0]};
  for (const char* suffix : {"_codes", "_scale", "_zero_point"})
    quantizer.outputs.push_back(graph.add_value(names.value(product.name + suffix)));
  std::vector<ValueId> inputs{quantizer.outputs[0], product.inputs[1],    quantizer.outputs[1],
                              product.inputs[2],    quantizer.outputs[2], product.has_input(3) ? product.inputs[3] : ValueId::none};
  if (product.has_input(4)) inputs.push_back(product.inputs[4]);
  product.type = "MatMulIntegerToFloat";
  product.inputs = std::move(inputs);
  return quantizer;
}

}  // namespace

bool is_depthwise(const Shape& weights, std::int64_t groups) { return weights[1] == 1 && groups == weights[0]; }

std::int32_t largest_pair_sum(const Tensor& weights, WeightOrder order) {
  constexpr std::int32_t largest_activation = 255;
  if (order == WeightOrder::convolution) return largest_activation * of_convolution(weights);
  return largest_activation * of_matrix(weights, order == WeightOrder::channel_a_row);
}

std::optional<std::int32_t> largest_pair_sum(const Graph& graph, const Node& node) {
  const Tensor* weights = weights_of(graph, node);
  if (weights == nullptr || weights->rank() < 2) return std::nullopt;
  if (node.type == "QLinearConv") {
    if (is_depthwise(weights->shape(), node.integer("group", 1))) return std::nullopt;
    return largest_pair_sum(*weights, WeightOrder::convolution);
  }
  if (weights->rank() != 2) return std::nullopt;
  return largest_pair_sum(*weights, node.integer("transB", 0) != 0 ? WeightOrder::channel_a_row : WeightOrder::channel_a_column);
}

bool can_saturate(const Graph& graph, const Node& node) {
  if (node.integer("channels_last", 0) != 0 || node.domain == ops::saturating_domain) return false;
  return largest_pair_sum(graph, node).value_or(0) > largest_16_bit_sum;
}

std::size_t saturate_products(Model& model) {
  Graph& graph = model.graph;
  NameSource names = names_of(model);
  std::vector<Node> nodes;
  std::size_t count = 0;
  for (Node& node : std::vector<Node>(std::exchange(graph.nodes, {}))) {
    if (can_saturate(graph, node)) {
      if (node.type == "DynamicQuantizeMatMul") nodes.push_back(dynamic_quantizer(graph, names, node));
      node.domain = ops::saturating_domain;
      ++count;
    }
    nodes.push_back(std::move(node));
  }
  graph.nodes = std::move(nodes);
  if (count > 0) model.set_opset(ops::saturating_domain, 1);
  verify(graph);
  return count;
}

SaturationProbe probe_saturation(Model lowered) {
  SaturationProbe probe{.model = std::move(lowered), .pairs = {}};
  Graph& graph = probe.model.graph;
  NameSource names = names_of(probe.model);
  std::vector<Node> nodes;
  for (const Node& node : std::vector<Node>(std::exchange(graph.nodes, {}))) {
    nodes.push_back(node);
    if (!can_saturate(graph, node)) continue;
    Node twin = node;
    if (twin.type == "DynamicQuantizeMatMul") nodes.push_back(dynamic_quantizer(graph, names, twin));
    twin.domain = ops::saturating_domain;
    twin.name = names.node(node.name + "_saturating");
    twin.outputs = {graph.add_value(names.value(graph[node.outputs[0]].name + "_saturated"))};
    probe.pairs.push_back({.node = node.name, .exact = graph.outputs.size(), .saturated = graph.outputs.size() + 1});
    graph.outputs.push_back(node.outputs[0]);
    graph.outputs.push_back(twin.outputs[0]);
    nodes.push_back(std::move(twin));
  }
  graph.nodes = std::move(nodes);
  if (!probe.pairs.empty()) probe.model.set_opset(ops::saturating_domain, 1);
  return probe;
}

}  // namespace titrate::engine
