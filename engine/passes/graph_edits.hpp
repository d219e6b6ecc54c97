// Small steps of rewriting that several passes take.
#pragma once

#include "engine/graph/graph.hpp"

namespace titrate::engine {

[[nodiscard]] bool is_graph_output(const Graph& graph, ValueId id);

/// The index of the node that alone reads a value, and that once; nothing if there are others or if the value is a graph output. Values
/// that were added after `uses` was made have no readers known: nothing.
[[nodiscard]] std::optional<std::size_t> only_reader(const Uses& uses, ValueId id);

/// Turns a value into an initializer (or gives it another tensor) under the name that it has.
void make_constant(Graph& graph, ValueId id, Tensor tensor);

/// Gives input `index` of a node another constant: in place if nobody else reads it, else as a new value "<old name>_folded". An input that
/// is left out gets a new value named `wanted`.
void replace_constant_input(Graph& graph, const Uses& uses, NameSource& names, Node& node, std::size_t index, Tensor tensor,
                            const std::string& wanted);

}  // namespace titrate::engine
