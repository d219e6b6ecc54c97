// Runs one node on known inputs, for folding and for shape inference: through the same rows that the executor runs.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "engine/ops/operator.hpp"

namespace titrate::engine {

/// The tensor that a Constant node stands for (value, value_float, value_ints ...); nothing for a sparse one or another node.
[[nodiscard]] std::optional<Tensor> constant_of(const Node& node);

/// The outputs of a node whose present operands all have values; nothing if no row serves it, it is random, it holds a sub-graph, works on
/// strings, or its outputs would take more than `most_bytes` or are not known before the run (a few bytes of constants may ask for any
/// amount of memory). Outputs without a name come as tensors that do not exist. Throws Error(invalid) naming the node if it is wrong.
[[nodiscard]] std::optional<std::vector<Tensor>> evaluate(const Node& node, std::int64_t opset, std::span<const Operand> operands,
                                                          std::size_t most_bytes);

[[nodiscard]] bool has_subgraph(const Node& node);

/// A constant as an operand; null gives one that is left out.
[[nodiscard]] Operand operand_of(const Tensor* tensor);

}  // namespace titrate::engine
