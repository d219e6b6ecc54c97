// What a Plan holds, for the executor.
#pragma once

#include <vector>

#include "engine/run/executor.hpp"

namespace titrate::engine {

/// A node that runs: everything that could be decided before is decided.
struct PlannedStep {
  std::size_t node = 0;  ///< its index in the graph, for messages and inference
  const OperatorDefinition* row = nullptr;
  std::int64_t opset = 0;
  Step step;
  std::vector<ValueId> release;  ///< values that nobody reads after this step
};

/// Where a value's bytes will be joined with others.
struct JoinedPlace {
  static constexpr std::size_t nowhere = static_cast<std::size_t>(-1);
  std::size_t step = nowhere;  ///< that joins them
  std::size_t input = 0;       ///< of it
};

struct Plan::Parts {
  Graph graph;
  std::vector<Tensor> constants;  ///< by value id: initializers and what was folded; no tensor: computed in a run
  std::vector<PlannedStep> steps;
  std::vector<JoinedPlace> places;  ///< by value id
};

/// What is known of a node's inputs; `known` is asked for the value of each id, null if it is not known.
template <class Lookup>
std::vector<Operand> operands_of(const Node& node, Lookup&& lookup) {
  std::vector<Operand> operands;
  operands.reserve(node.inputs.size());
  for (const ValueId id : node.inputs) operands.push_back(id == ValueId::none ? Operand{} : lookup(id));
  return operands;
}

}  // namespace titrate::engine
