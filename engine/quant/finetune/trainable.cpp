#include "engine/quant/finetune/trainable.hpp"

#include <algorithm>

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
