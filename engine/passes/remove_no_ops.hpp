// Nodes that hand on their input as it is go.
#pragma once

#include <cstddef>

#include "engine/graph/graph.hpp"

namespace titrate::engine {

/// Identity, Dropout in inference, Cast to the type that is there, Reshape and Flatten to the shape that is there, Transpose that moves no
/// axis, Pad by nothing, Concat, Sum, Mean, Max and Min of one input. Where such a node makes an output of the graph, the output keeps its
/// name and the node before makes it.
std::size_t remove_no_ops(Model& model);

}  // namespace titrate::engine
