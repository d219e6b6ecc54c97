// Which operators run on integers: one row each. The order is that of the names; a new one is a function in a file of its own or beside its
// relatives, and a row.
#pragma once

#include <span>
#include <string_view>

#include "engine/passes/lower/lowering.hpp"

namespace titrate::engine::lowering {

struct Row {
  std::string_view type;  ///< in ONNX's own domain
  /// Lowers the node and returns nothing, or returns in words which rule failed and leaves everything as it was.
  Refusal (*lower)(Lowering& lowering, std::size_t node);
};

[[nodiscard]] std::span<const Row> rows();
/// Null: the operator has no integer form.
[[nodiscard]] const Row* find_row(const Node& node);

Refusal binary(Lowering& lowering, std::size_t node);
Refusal concat(Lowering& lowering, std::size_t node);
Refusal convolution(Lowering& lowering, std::size_t node);
Refusal dynamic_product(Lowering& lowering, std::size_t node);
Refusal gemm(Lowering& lowering, std::size_t node);
Refusal matrix_product(Lowering& lowering, std::size_t node);
Refusal movement(Lowering& lowering, std::size_t node);
Refusal unary(Lowering& lowering, std::size_t node);

}  // namespace titrate::engine::lowering
