#include "engine/quant/finetune/trainable.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <utility>

namespace titrate::engine {
namespace {

// Of an operator: which input has which role.
struct RoleRow {
  std::string_view type;
  std::size_t input;
  ConstantRole role;
};

constexpr std::array role_rows = {
    RoleRow{"Conv", 2, ConstantRole::offset},
    RoleRow{"Gemm", 2, ConstantRole::offset},
    RoleRow{"Add", 0, ConstantRole::offset},
    RoleRow{"Add", 1, ConstantRole::offset},
    RoleRow{"Mul", 0, ConstantRole::factor},
    RoleRow{"Mul", 1, ConstantRole::factor},
    RoleRow{"LayerNormalization", 1, ConstantRole::factor},
    RoleRow{"LayerNormalization", 2, ConstantRole::offset},
    RoleRow{"RMSNormalization", 1, ConstantRole::factor},
};

// One number a channel: more than one, along one axis.
bool is_vector(const Tensor& tensor) {
  const auto longer = std::ranges::count_if(tensor.shape(), [](std::int64_t size) { return size != 1; });
  return tensor.type() == DataType::float32 && tensor.elements() > 1 && longer == 1;
}

}  // namespace

std::optional<ConstantRole> trainable_vector(const Graph& graph, const Uses& uses, const Node& node, std::size_t input) {
  const Tensor* constant = graph.constant_input(node, input);
  if (!node.domain.empty() || constant == nullptr || !is_vector(*constant) || uses.readers(node.inputs[input]).size() != 1)
    return std::nullopt;
  const auto found = std::ranges::find_if(role_rows, [&](const RoleRow& row) { return row.type == node.type && row.input == input; });
  return found == role_rows.end() ? std::nullopt : std::optional(found->role);
}

namespace {

// The codes of an integer zero point, less the zero point.
std::optional<std::pair<std::int32_t, std::int32_t>> steps_around(const Tensor& zero_point) {
  const auto around = [](auto zero) {
    using Code = decltype(zero);
    return std::pair<std::int32_t, std::int32_t>(std::numeric_limits<Code>::min() - zero, std::numeric_limits<Code>::max() - zero);
  };
  switch (zero_point.type()) {
    case DataType::uint8:
      return around(zero_point.data<std::uint8_t>()[0]);
    case DataType::int8:
      return around(zero_point.data<std::int8_t>()[0]);
    case DataType::uint16:
      return around(zero_point.data<std::uint16_t>()[0]);
    case DataType::int16:
      return around(zero_point.data<std::int16_t>()[0]);
    default:
      return std::nullopt;
  }
}

const Tensor* single_scale(const Graph& graph, const Node& node) {
  const Tensor* scale = graph.constant_input(node, 1);
  return scale != nullptr && scale->type() == DataType::float32 && scale->elements() == 1 ? scale : nullptr;
}

}  // namespace

std::vector<RoundedValue> rounded_values(const Graph& graph, std::size_t begin, std::size_t end) {
  const Uses uses(graph);
  std::map<float, int> quantizers;  // by scale
  for (const Node& node : graph.nodes) {
    if (node.type != "QuantizeLinear") continue;
    if (const Tensor* scale = single_scale(graph, node)) ++quantizers[scale->data<float>()[0]];
  }
  std::vector<RoundedValue> found;
  for (std::size_t index = begin; index < end; ++index) {
    const Node& node = graph.nodes[index];
    if (node.type != "DequantizeLinear") continue;
    const int quantizer = uses.producer(node.inputs[0]);
    const Tensor* scale = single_scale(graph, node);
    const Tensor* zero_point = graph.constant_input(node, 2);
    if (quantizer < static_cast<int>(begin) || scale == nullptr || zero_point == nullptr) continue;
    const Node& rounds = graph.nodes[static_cast<std::size_t>(quantizer)];
    const auto steps = steps_around(*zero_point);
    if (rounds.type != "QuantizeLinear" || !steps || rounds.inputs[1] != node.inputs[1]) continue;
    if (uses.readers(node.inputs[1]).size() != 2 || quantizers[scale->data<float>()[0]] != 1) continue;
    found.push_back({.quantizer = static_cast<std::size_t>(quantizer),
                     .dequantizer = index,
                     .value = rounds.inputs[0],
                     .scale = scale->data<float>()[0],
                     .steps_below = steps->first,
                     .steps_above = steps->second});
  }
  return found;
}

std::optional<QuantizedMatrix> codes_to_train(const WeightMatrix& weights, const Scheme& scheme, const std::string& node,
                                              const WeightSolutions& solutions) {
  const WeightSolver* solver = implementation_of(scheme).solver;
  if (solver == nullptr) return std::nullopt;
  const RoundToNearest grid = solver->grid(scheme);
  const auto found = solutions.find(node);
  QuantizedMatrix codes = found == solutions.end() ? quantize_weights(weights, grid) : found->second.quantized;
  if (grid.mode == WeightMode::narrow) codes.range = signed_range(grid.bits);
  return codes;
}

}  // namespace titrate::engine
