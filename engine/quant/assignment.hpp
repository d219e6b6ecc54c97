// A config brought onto a graph: which scheme each node really gets. Two configs with the same key make the same model.
#pragma once

#include <string>
#include <vector>

#include "engine/config/config.hpp"
#include "engine/graph/graph.hpp"
#include "engine/quant/decision.hpp"
#include "engine/quant/targets/read_target.hpp"

namespace titrate::engine {

/// A node with weights and what it gets.
struct Assignment {
  std::size_t node = 0;  ///< index in the graph
  /// As it acts here: float where the scheme cannot serve the node or the target has no form of it, group_size -1 where one group holds a
  /// whole row, types and symmetry as the target takes them.
  Scheme scheme;
  NodeDecision decision;
};

/// One for each Conv, ConvTranspose, Gemm, MatMul and each Gather of a constant float32 table, in graph order. A
/// table is only quantized where an override chooses its Gather: the config's own scheme is for what multiplies. A table that a layer left
/// float reads too stays float for all: codes would only add to it.
[[nodiscard]] std::vector<Assignment> assign(const Graph& graph, const Config& config, const Target& target = default_target());

/// Makes it an assignment to float.
void leave_float(Assignment& assignment, const std::string& reason);

/// Node names with the stages and schemes that act, for finding duplicates. `config`: the one that was assigned.
[[nodiscard]] std::string assignment_key(const std::vector<Assignment>& assignments, const Config& config);

}  // namespace titrate::engine
